package adapter

import (
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/wallclock"
)

// The clock is set by an hour after a collection: HPAs are answered for as long as max-age, with the time that the clock showed then, and the
// ages of what they were given are those that they had.
func TestRow22ClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			read, registry, p := time.Now(), prometheus.NewPedanticRegistry(), newProvider()
			snapshots := fixture()
			wallclock.SetAll(&snapshots, func(time.Time) time.Time { return read })
			for _, g := range snapshots[0].Groups {
				wallclock.SetAll(g, func(time.Time) time.Time { return read })
			}
			var now time.Time
			p.cfg.Source, p.cfg.Now, p.cfg.Ages = fakeSource(func() []*lag.Snapshot { return snapshots }), func() time.Time { return now }, NewAges(registry)
			for _, after := range []time.Duration{time.Second, maxAge} {
				now = wallclock.Set(read.Add(after), by)
				list, err := askPods(t, p, MetricLag, "consumergroup=orders")
				if err != nil || len(list.Items) != 3 {
					t.Fatalf("after %s: %v, %v", after, list, err)
				}
				for _, item := range list.Items {
					if item.Timestamp.Unix() != read.Unix() {
						t.Errorf("after %s: read at %s, want %s", after, item.Timestamp, read)
					}
				}
				external, err := p.GetExternalMetric(t.Context(), "default", labels.SelectorFromSet(labels.Set{"consumergroup": "orders"}), provider.ExternalMetricInfo{Metric: MetricLag})
				if err != nil || len(external.Items) != 1 || external.Items[0].Timestamp.Unix() != read.Unix() {
					t.Errorf("after %s, external: %v, %v", after, external, err)
				}
			}
			now = wallclock.Set(read.Add(maxAge+time.Millisecond), by)
			_, err := askPods(t, p, MetricLag, "consumergroup=orders")
			expectStatus(t, err, http.StatusServiceUnavailable)
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			if h := families[0].GetMetric()[0].GetHistogram(); h.GetSampleCount() != 4 || h.GetSampleSum() != 2*(1+maxAge.Seconds()) {
				t.Errorf("%d values of %v s in all", h.GetSampleCount(), h.GetSampleSum())
			}
		})
	}
}
