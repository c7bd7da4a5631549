package collector

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// readerFunc is a Reader made of a function. It reads single groups as they are in the whole cluster.
type readerFunc func(ctx context.Context) *lag.Observation

func (f readerFunc) Read(ctx context.Context, _ *lag.Snapshot) *lag.Observation { return f(ctx) }

func (f readerFunc) ReadGroups(ctx context.Context, _ *lag.Snapshot, _ []string) *lag.Observation {
	obs := f(ctx)
	obs.Partial = true
	return obs
}

var errRefused = &lag.ReadError{Class: lag.ClassConnection, Broker: -1, Op: "Metadata", Err: errors.New("connection refused")}

func healthy() *lag.Observation {
	return &lag.Observation{Cluster: "c", StartedAt: time.Now(), MetadataReadAt: time.Now(), Brokers: []lag.Broker{{ID: 1, Address: "a:1"}, {ID: 2, Address: "b:1"}}}
}

func down() *lag.Observation {
	return &lag.Observation{Cluster: "c", StartedAt: time.Now(), MetadataErr: errRefused, ListingErr: errRefused}
}

type fixture struct {
	*Collector
	store    *Store
	registry *prometheus.Registry
	log      *bytes.Buffer
}

func newFixture(interval time.Duration, reader Reader) fixture {
	f := fixture{store: &Store{}, registry: prometheus.NewPedanticRegistry(), log: &bytes.Buffer{}}
	f.Collector = New(Config{Interval: interval}, reader, NewWanted(), f.store, NewMetrics(f.registry, f.store), slog.New(slog.NewTextHandler(f.log, nil)))
	return f
}

func TestPollsAtOnceAndThenAtTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var polls atomic.Int64
		f := newFixture(5*time.Second, readerFunc(func(context.Context) *lag.Observation { polls.Add(1); return healthy() }))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- f.Run(ctx) }()
		synctest.Wait()
		if polls.Load() != 1 || len(f.store.Snapshots()) != 1 {
			t.Fatalf("%d polls, %d snapshots at the start", polls.Load(), len(f.store.Snapshots()))
		}
		time.Sleep(21 * time.Second) // of the fake clock
		synctest.Wait()
		if polls.Load() != 5 {
			t.Errorf("%d polls in 21 s", polls.Load())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestSlowPollsDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, polls atomic.Int64
		f := newFixture(time.Second, readerFunc(func(context.Context) *lag.Observation {
			if running.Add(1) > 1 {
				t.Error("two polls at the same time")
			}
			time.Sleep(3500 * time.Millisecond)
			running.Add(-1)
			polls.Add(1)
			return healthy()
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := f.Run(ctx); err != nil {
			t.Error(err)
		}
		if n := polls.Load(); n < 15 || n > 18 {
			t.Errorf("%d polls of 3.5 s in a minute", n)
		}
	})
}

func TestLiveFailsOnlyWhenTheLoopHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var polls atomic.Int64
		f := newFixture(5*time.Second, readerFunc(func(ctx context.Context) *lag.Observation {
			if polls.Add(1) == 20 {
				select {
				case <-hang:
				case <-ctx.Done():
				}
			}
			return down() // Kafka's health plays no part
		}))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if err := f.Live(); err != nil {
			t.Errorf("before the start: %v", err)
		}
		go func() { _ = f.Run(ctx) }()
		time.Sleep(95 * time.Second)
		if err := f.Live(); err != nil {
			t.Errorf("with Kafka down: %v", err)
		}
		time.Sleep(40 * time.Second)
		if f.Live() == nil {
			t.Error("a loop that hangs for 40 s counts as live")
		}
		close(hang)
		synctest.Wait()
		if err := f.Live(); err != nil {
			t.Errorf("after it moved on: %v", err)
		}
	})
}

func TestShutdownDoesNotCountAsAFailedPoll(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	polls := 0
	f := newFixture(time.Millisecond, readerFunc(func(context.Context) *lag.Observation {
		if polls++; polls == 1 {
			return healthy()
		}
		cancel()
		return down()
	}))
	if err := f.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if s := f.store.Snapshots()[0]; s.MetadataErr != nil {
		t.Errorf("the last snapshot says %v", s.MetadataErr)
	}
}

func TestLogsOneLinePerChangeOfState(t *testing.T) {
	obs := []*lag.Observation{down(), down(), down(), healthy(), healthy(), down(), healthy()}
	f := newFixture(time.Second, nil)
	for _, o := range obs {
		f.reader = readerFunc(func(context.Context) *lag.Observation { return o })
		f.pollAll(t.Context())
	}
	if warnings, over := strings.Count(f.log.String(), "level=WARN"), strings.Count(f.log.String(), "over: "); warnings != 2 || over != 2 {
		t.Errorf("%d warnings and %d ends for two outages:\n%s", warnings, over, f.log)
	}
	if !strings.Contains(f.log.String(), "connection refused") {
		t.Errorf("the cause is missing:\n%s", f.log)
	}
}

func TestOneLineForManyGroupsWithTheSameProblem(t *testing.T) {
	o := healthy()
	loading := &lag.ReadError{Class: lag.ClassCoordinator, Broker: 1, Op: "OffsetFetch", Err: errors.New("loading")}
	for _, name := range []string{"a", "b", "c"} {
		o.Groups = append(o.Groups, lag.GroupObservation{Name: name, CommitsErr: loading})
	}
	f := newFixture(time.Second, readerFunc(func(context.Context) *lag.Observation { return o }))
	f.pollAll(t.Context())
	if n := strings.Count(f.log.String(), "\n"); n != 1 || !strings.Contains(f.log.String(), "items=3") {
		t.Errorf("%d lines:\n%s", n, f.log)
	}
}

func TestMetricsOfAnOutage(t *testing.T) {
	f := newFixture(time.Second, readerFunc(func(context.Context) *lag.Observation { return healthy() }))
	f.pollAll(t.Context())
	success := testutil.ToFloat64(f.metrics.clusterRead.WithLabelValues("c"))
	if success == 0 || testutil.ToFloat64(f.metrics.clusterUp.WithLabelValues("c")) != 1 || testutil.ToFloat64(f.metrics.brokerUp.WithLabelValues("c", "2")) != 1 {
		t.Error("a healthy cluster does not show as up")
	}
	f.reader = readerFunc(func(context.Context) *lag.Observation { return down() })
	f.pollAll(t.Context())
	if testutil.ToFloat64(f.metrics.clusterUp.WithLabelValues("c")) != 0 {
		t.Error("an outage does not show")
	}
	if testutil.ToFloat64(f.metrics.clusterRead.WithLabelValues("c")) != success {
		t.Error("the time of the last success did not stay")
	}
	if n := testutil.ToFloat64(f.metrics.readErrors.WithLabelValues("c", "connection")); n != 1 {
		t.Errorf("%v connection errors", n)
	}
	if problems, err := testutil.GatherAndLint(f.registry); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestStoreKeepsOneSnapshotPerCluster(t *testing.T) {
	s := &Store{}
	for _, cluster := range []string{"b", "a", "b"} {
		s.Publish(&lag.Snapshot{Cluster: cluster})
	}
	before := s.Snapshots()
	s.Publish(&lag.Snapshot{Cluster: "c"})
	if len(before) != 2 || before[0].Cluster != "a" || before[1].Cluster != "b" || len(s.Snapshots()) != 3 {
		t.Errorf("%v, then %v", before, s.Snapshots())
	}
}
