package kube

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"
)

func TestPodsAgeIsAbsentUntilTheyAreKnown(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("away") })
	p := watched(t, client)
	registry := prometheus.NewPedanticRegistry()
	p.Register(registry)
	eventually(t, "it failed", func() bool { return p.failure.Load() != nil })
	if n := testutil.CollectAndCount(podsAge{p}); n != 0 {
		t.Errorf("%d series", n)
	}
}

// TestPodsAge loses the API server, which goes on serving the last list, and finds it again.
func TestPodsAge(t *testing.T) {
	var away atomic.Bool
	changed := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch query := r.URL.Query(); {
		case away.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case query.Get("sendInitialEvents") != "": // as an API server before 1.32
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","code":422}`))
		case query.Get("watch") != "":
			w.(http.Flusher).Flush()
			select {
			case <-changed:
				_, _ = w.Write([]byte(`{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"2"}}}` + "\n"))
			case <-r.Context().Done():
			}
		default:
			_, _ = w.Write([]byte(`{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[
				{"metadata":{"namespace":"a","name":"one","labels":{"app":"consumer"}}}]}`))
		}
	}))
	t.Cleanup(server.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, QPS: 1000, Burst: 1000})
	if err != nil {
		t.Fatal(err)
	}
	p := NewPods(client, slog.New(slog.DiscardHandler))
	go func() { _ = p.Run(t.Context()) }()
	eventually(t, "the pods are known", p.Synced)
	if p.Age() != 0 {
		t.Errorf("the age is %s", p.Age())
	}
	away.Store(true)
	server.CloseClientConnections()
	eventually(t, "they age", func() bool { return p.Age() > 0 })
	if got := consumers(t, p, "a"); len(got) != 1 {
		t.Errorf("a has %q", got)
	}
	before := p.Age()
	eventually(t, "they age further", func() bool { return p.Age() > before })
	away.Store(false)
	changed <- struct{}{}
	eventually(t, "they are up to date", func() bool { return p.Age() == 0 })
	if n := testutil.CollectAndCount(podsAge{p}, "kafka_lag_adapter_pods_age_seconds"); n != 1 {
		t.Errorf("%d series", n)
	}
}
