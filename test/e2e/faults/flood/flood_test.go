package flood

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// TestClientsAskAtTimesOfTheirOwn has a server, started here, count who comes within a tenth of the time in which each client asks once.
func TestClientsAskAtTimesOfTheirOwn(t *testing.T) {
	t.Parallel()
	const clients, perSecond = 40, 8
	var come atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { come.Add(1) }))
	t.Cleanup(server.Close)
	way := Way{Name: "way", URL: server.URL, CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})}
	cfg := Config{PerSecond: perSecond, Lasts: time.Second * clients / perSecond / 10}
	for range clients {
		cfg.Clients = append(cfg.Clients, Client{Name: "somebody", Way: way, Paths: []Path{{Name: "values", Path: "/"}}})
	}
	answers, err := Run(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if answered := answers["somebody, way: values"]["200"]; answered != int(come.Load()) {
		t.Errorf("%d requests were answered, and %d counted", come.Load(), answered)
	}
	if come.Load() > clients/2 { // of 40, each with one chance in ten: once in thousands of millions of runs
		t.Errorf("%d of %d clients asked within a tenth of the time that each takes for one request", come.Load(), clients)
	}
}
