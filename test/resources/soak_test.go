// Package resources shows what collecting takes of its process: goroutines, connections, file descriptors and memory do not grow while
// brokers fail and return, and when there are no file descriptors left that is said, and survived.
package resources

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	soakPolls = 10_000 // of both lanes together
	// episodePolls is how long each fault lasts. It then takes about as many until the broker is found again.
	episodePolls = 20
)

// TestRow20SoakLeavesNothingBehind polls in both lanes while one fault follows the other, each until all values are right again. What
// the process holds then, over the round of all faults, is compared between the first round and the last.
func TestRow20SoakLeavesNothingBehind(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	s := newSoak(t)
	s.round(ctx, t) // until everything was used once
	begin := s.reader.polls.Load()
	first, rounds := s.round(ctx, t), 1
	last := first
	for s.reader.polls.Load()-begin < soakPolls {
		last = s.round(ctx, t)
		rounds++
	}
	polls := s.reader.polls.Load() - begin
	for i, what := range []string{"goroutines", "connections", "file descriptors", "KiB of heap"} {
		t.Logf("%s: %.1f, and after %d polls with %d rounds of faults %.1f", what, first[i], polls, rounds, last[i])
		if last[i] > first[i]*1.1+1 { // one connection more or less is chance
			t.Errorf("%s: %.1f in the first round of faults, %.1f in the last, after %d polls", what, first[i], last[i], polls)
		}
	}
	s.stop()
	if err := eventually(ctx, func() error { return want(s.cluster.Connections(), 0, "connections are left") }); err != nil {
		t.Error(err)
	}
}

// held is what the process holds: goroutines, connections, file descriptors, KiB of heap.
type held [4]float64

// round has all faults come and go, and returns what was held after each, on average.
func (s *soak) round(ctx context.Context, t *testing.T) (mean held) {
	t.Helper()
	faults := allFaults()
	for _, f := range faults {
		s.suffer(ctx, t, f)
		for i, v := range s.holds(t) {
			mean[i] += v / float64(len(faults))
		}
	}
	return mean
}

// holds takes a sample between polls.
func (s *soak) holds(t *testing.T) held {
	t.Helper()
	s.reader.polling.Lock()
	defer s.reader.polling.Unlock()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return held{float64(runtime.NumGoroutine()), float64(s.cluster.Connections()), float64(len(files)), float64(m.HeapAlloc >> 10)}
}

// countingReader counts polls, and can hold them back.
type countingReader struct {
	*kafka.Reader
	polls   atomic.Int64
	polling sync.RWMutex // held for reading during each poll
}

func (r *countingReader) Read(ctx context.Context, prev *lag.Snapshot) *lag.Observation {
	r.polling.RLock()
	defer r.polling.RUnlock()
	r.polls.Add(1)
	return r.Reader.Read(ctx, prev)
}

func (r *countingReader) ReadGroups(ctx context.Context, prev *lag.Snapshot, groups []string) *lag.Observation {
	r.polling.RLock()
	defer r.polling.RUnlock()
	r.polls.Add(1)
	return r.Reader.ReadGroups(ctx, prev, groups)
}

// eventually waits until there is no error any more, at most until the context ends.
func eventually(ctx context.Context, check func() error) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-tick.C:
		}
	}
}

func want[T comparable](got, want T, what string) error {
	if got != want {
		return fmt.Errorf("%v and not %v %s", got, want, what)
	}
	return nil
}

func soakShape() fakekafka.Shape {
	return fakekafka.Shape{Groups: 12, PartitionsPerGroup: 6, GroupsPerTopic: 4, MembersPerGroup: 2, Seed: 20,
		Types: []string{fakekafka.Classic, fakekafka.Consumer, fakekafka.Share, fakekafka.Streams}}
}
