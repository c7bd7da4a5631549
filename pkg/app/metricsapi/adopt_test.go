package metricsapi

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/adapter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/app"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// What serves answers from the next request on as the settings of another load say, and no request in between fails.
func TestAdopt(t *testing.T) {
	readAt := time.Now().Add(-30 * time.Second)
	store := source{{Cluster: "main", ListedAt: readAt, Groups: []*lag.Group{{
		Name: "orders", ReadAt: readAt, MembersReadAt: readAt,
		Topics: []lag.TopicLag{{Topic: "orders", ReadAt: readAt, Partitions: []lag.PartitionLag{{Lag: 7}}}},
	}}}}
	core := app.Core{
		Config: config.Config{MaxAge: time.Minute}, Store: store, Wanted: collector.NewWanted(), Registry: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
	}
	s := &service{ages: adapter.NewAges(core.Registry)}
	settings := func(args ...string) *Extension { return parse(t, append(args, "--bind=selector")...) }
	settings().Adopt(s, core)
	selector, err := labels.Parse("consumergroup=orders")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(namespace string) error {
		list, err := s.answers.GetExternalMetric(context.Background(), namespace, selector, provider.ExternalMetricInfo{Metric: adapter.MetricLag})
		if err == nil && (len(list.Items) != 1 || list.Items[0].Value.Value() != 7) {
			t.Errorf("%s: %+v", namespace, list)
		}
		return err
	}
	var asking sync.WaitGroup
	done := make(chan struct{})
	asking.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if err := ask("a"); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 100 {
		settings("--isolate-namespaces", "--namespaces={a: {groups: orders}}").Adopt(s, core)
		if err := ask("b"); !apierrors.IsNotFound(err) {
			t.Errorf("isolated, b is answered with %v", err)
		}
		settings("--namespaces={b: {groups: orders}}").Adopt(s, core)
		if err := ask("b"); err != nil {
			t.Errorf("not isolated: %v", err)
		}
	}
	close(done)
	asking.Wait()
	core.Config.MaxAge = 20 * time.Second
	settings().Adopt(s, core)
	if err := ask("a"); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("beyond max-age: %v", err)
	}
	core.Store = source{{Cluster: "other", ListedAt: time.Now()}}
	settings().Adopt(s, core)
	if err := ask("a"); !apierrors.IsNotFound(err) {
		t.Errorf("without its cluster: %v", err)
	}
}
