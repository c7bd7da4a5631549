package timed

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/flood"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
)

// TestOneThatWaitsHoldsNoneBack has a server, started here, that does not answer the first request before the last has come.
func TestOneThatWaitsHoldsNoneBack(t *testing.T) {
	t.Parallel()
	const requests = 5
	var come atomic.Int32
	last := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		switch come.Add(1) {
		case 1:
			<-last
		case requests:
			close(last)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)

	ca, err := pki.NewCA("timed")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Client("somebody")
	if err != nil {
		t.Fatal(err)
	}
	to := flood.Way{URL: server.URL, CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})}
	answers, err := Run(Config{Ways: []Way{{Name: "way", To: to, Cert: pair.Cert, Key: pair.Key, Paths: []string{"/"}}}, Lasts: requests * every})
	if err != nil {
		t.Fatal(err)
	}
	took := answers.Took["way"]
	if len(took) != requests || len(answers.Failed) != 0 {
		t.Fatalf("%d requests were timed (%s), %q failed; want %d and none", len(took), took, answers.Failed, requests)
	}
	if longest := slices.Max(took); longest+answers.Late[slices.Index(took, longest)] < (requests-1)*every {
		t.Errorf("the one that waited for the last took %s, made %s late, want %s at least", longest, answers.Late[slices.Index(took, longest)], (requests-1)*every)
	}
}
