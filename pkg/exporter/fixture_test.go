package exporter

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const maxAge = time.Minute

// t0 is when the first collection of every test begins.
var t0 = time.Unix(1_700_000_000, 250_000_000)

var errDown = &lag.ReadError{Class: lag.ClassTimeout, Broker: 1, Op: "ListOffsets", Err: errors.New("no answer in time")}

// store is a Source, and the clock of the handler that reads it.
type store struct {
	snapshots atomic.Pointer[[]*lag.Snapshot]
	clock     atomic.Pointer[time.Time]
}

func (s *store) Snapshots() []*lag.Snapshot { return *s.snapshots.Load() }

func (s *store) publish(snapshots ...*lag.Snapshot) { s.snapshots.Store(&snapshots) }
func (s *store) setClock(at time.Time)              { s.clock.Store(&at) }

// newHandler returns a handler whose clock stands at t0 until it is set.
func newHandler(gatherer prometheus.Gatherer, logs *bytes.Buffer, snapshots ...*lag.Snapshot) (*Handler, *store) {
	return newHandlerWith(nil, gatherer, logs, snapshots...)
}

func newHandlerWith(options []Option, gatherer prometheus.Gatherer, logs *bytes.Buffer, snapshots ...*lag.Snapshot) (*Handler, *store) {
	s := &store{}
	s.publish(snapshots...)
	s.setClock(t0)
	h := New(s, gatherer, maxAge, slog.New(slog.NewTextHandler(logs, nil)), options...)
	h.cache.now = func() time.Time { return *s.clock.Load() }
	return h, s
}

// observe is a collection of a cluster in which everything could be read. orders has 3 partitions, of which group "billing"
// has committed on two and subscribes to all; topic "idle" has no leader and nobody reads it.
func observe(cluster string, at time.Time) *lag.Observation {
	part := func(n int32) lag.Partition {
		return lag.Partition{Partition: n, Leader: 1 + n%2, PreferredLeader: 1, Replicas: 3, InSyncReplicas: 3 - n%2}
	}
	noLeader := &lag.ReadError{Class: lag.ClassLeadership, Broker: -1, Op: "ListOffsets", Err: errors.New("no leader")}
	return &lag.Observation{
		Cluster: cluster, StartedAt: at, MetadataReadAt: at,
		Brokers: []lag.Broker{{ID: 1, Address: "kafka-1.example:9092"}, {ID: 2, Address: "[::1]:9093"}},
		Topics: []lag.Topic{
			{Name: "idle", Partitions: []lag.Partition{{Leader: -1, PreferredLeader: 2, Replicas: 2, InSyncReplicas: 0}},
				Starts: lag.NewOffsets(lag.Offset{Err: noLeader}), Ends: lag.NewOffsets(lag.Offset{Err: noLeader})},
			{Name: "orders", Partitions: []lag.Partition{part(0), part(1), part(2)},
				Starts: offsetsAt(at, 10, 0, 0), Ends: offsetsAt(at, 100, 50, 7)},
		},
		Groups: []lag.GroupObservation{
			{Name: "billing", Type: lag.GroupClassic, State: "Stable", MembersReadAt: at, CommitsReadAt: at,
				Members: []lag.Member{{ID: "a", Subscribed: []string{"orders"}}, {ID: "b", Subscribed: []string{"orders"}}},
				Commits: []lag.TopicCommits{{Topic: "orders", Partitions: []lag.Commit{{Partition: 0, Offset: 58}, {Partition: 1, Offset: 50}}}}},
			{Name: "say \"hi\"\nback\\slash", Type: lag.GroupConsumer, State: "Empty", MembersReadAt: at, CommitsReadAt: at,
				Commits: []lag.TopicCommits{{Topic: "orders", Partitions: []lag.Commit{{Partition: 2, Offset: 0}}}}},
		},
	}
}

// offsetsAt are offsets that were read in a collection of that time.
func offsetsAt(at time.Time, values ...int64) lag.Offsets {
	return lag.Offsets{Values: values, ReadAt: at.Add(time.Millisecond)}
}

// compute chains collections.
func compute(observations ...*lag.Observation) *lag.Snapshot {
	var s *lag.Snapshot
	for _, obs := range observations {
		s = lag.Compute(s, obs, nil)
	}
	return s
}

// get scrapes with the headers given as pairs.
func get(tb testing.TB, h http.Handler, headers ...string) *httptest.ResponseRecorder {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/metrics", nil)
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		tb.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w
}

// parse reads text 0.0.4 by expfmt's parser. The keys are series as Prometheus writes them.
func parse(tb testing.TB, body []byte) (map[string]float64, map[string]*dto.MetricFamily) {
	tb.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		tb.Fatalf("the response does not parse: %v\n%s", err, body)
	}
	samples := map[string]float64{}
	for name, family := range families {
		for _, m := range family.Metric {
			metric := model.Metric{model.MetricNameLabel: model.LabelValue(name)}
			for _, l := range m.Label {
				metric[model.LabelName(l.GetName())] = model.LabelValue(l.GetValue())
			}
			switch {
			case m.Gauge != nil:
				samples[metric.String()] = m.Gauge.GetValue()
			case m.Untyped != nil:
				samples[metric.String()] = m.Untyped.GetValue()
			case m.Counter != nil:
				samples[metric.String()] = m.Counter.GetValue()
			}
		}
	}
	return samples, families
}
