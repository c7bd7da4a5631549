package resources

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// soak is a collector of both lanes that runs without pauses on three brokers.
type soak struct {
	cluster *fakekafka.Cluster
	reader  *countingReader
	store   *collector.Store
	wanted  []string
	stop    func() // ends the collector; the second time it does nothing
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	cluster, err := fakekafka.New(soakShape())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	wanted := collector.NewWanted()
	reader, err := kafka.NewReader(kafka.Config{Cluster: "test", Brokers: cluster.Addresses()[:2], // the third one moves
		Timeout: 300 * time.Millisecond, HotTimeout: 200 * time.Millisecond, SlowEvery: 100 * time.Millisecond, Wanted: wanted.Groups})
	if err != nil {
		t.Fatal(err)
	}
	s := &soak{cluster: cluster, reader: &countingReader{Reader: reader}, store: &collector.Store{}}
	for g := 0; g < cluster.Shape().Groups; g += 3 {
		s.wanted = append(s.wanted, cluster.Shape().Group(g))
	}
	wanted.Ask(s.wanted)
	c := collector.New(collector.Config{Interval: time.Millisecond, WantedInterval: time.Millisecond}, s.reader, wanted, s.store,
		collector.NewMetrics(prometheus.NewRegistry(), s.store), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx); close(done) }()
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		reader.Close()
	}
	t.Cleanup(s.stop)
	return s
}

// suffer has a fault come and go, until all values are right.
func (s *soak) suffer(ctx context.Context, t *testing.T, f fault) {
	t.Helper()
	begin := s.reader.polls.Load()
	if err := f.begin(ctx, s.cluster); err != nil {
		t.Fatalf("%s: %v", f.name, err)
	}
	err := eventually(ctx, func() error { return s.polled(begin, episodePolls) })
	if err == nil {
		err = f.end(ctx, s.cluster)
	}
	s.cluster.Advance()
	over := time.Now()
	if err = errors.Join(err, eventually(ctx, func() error { return s.isRight(over) })); err != nil {
		t.Fatalf("%s: %v", f.name, err)
	}
}

// polled says whether there were so many polls since there were begin.
func (s *soak) polled(begin, polls int64) error {
	if n := s.reader.polls.Load() - begin; n < polls {
		return fmt.Errorf("only %d polls", n)
	}
	return nil
}

// isRight says whether the snapshot has the truth about each group, read since then, and no other groups.
func (s *soak) isRight(since time.Time) error {
	snapshots, shape, version := s.store.Snapshots(), s.cluster.Shape(), s.cluster.Version()
	if len(snapshots) == 0 {
		return errors.New("no snapshot yet")
	}
	if err := want(len(snapshots[0].Groups), shape.Groups, "groups"); err != nil {
		return err
	}
	for g := range shape.Groups {
		name, truth := shape.Group(g), int64(0)
		for p := range shape.PartitionsPerGroup {
			truth += shape.Lag(g, p, version)
		}
		total, err := lag.Sum(snapshots, lag.Selection{Groups: []string{name}, What: name}, time.Now(), time.Hour)
		if err != nil {
			return err
		}
		if total.ReadAt.Before(since) {
			return fmt.Errorf("%s was last read %s before the fault was over", name, since.Sub(total.ReadAt))
		}
		if err := want(total.Lag, truth, "is the lag of "+name); err != nil {
			return err
		}
	}
	return nil
}
