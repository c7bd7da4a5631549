package timed

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/flood"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
)

// TestOneThatWaitsHoldsNoneBack has a server, started here, that does not answer the first request before all have come.
func TestOneThatWaitsHoldsNoneBack(t *testing.T) {
	t.Parallel()
	paths := []string{"/first", "/2", "/3", "/4", "/5"}
	requests := len(paths)
	var come atomic.Int32
	all := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if int(come.Add(1)) == requests {
			close(all)
		}
		if r.URL.Path == paths[0] {
			<-all
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
	answers, err := Run(Config{Ways: []Way{{Name: "way", To: to, Cert: pair.Cert, Key: pair.Key, Paths: paths}}, Lasts: time.Duration(requests) * every})
	if err != nil {
		t.Fatal(err)
	}
	took := answers.Took["way"]
	if len(took) != requests || len(answers.Failed) != 0 {
		t.Fatalf("%d requests were timed (%s), %q failed; want %d and none", len(took), took, answers.Failed, requests)
	}
	var longest time.Duration // from when it was due
	for i := range took {
		longest = max(longest, answers.Late[i]+took[i])
	}
	if last := time.Duration(requests-1) * every; longest < last {
		t.Errorf("the one that waited for the last was answered %s after it was due, want %s at least", longest, last)
	}
}
