package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// laneReader counts what is read and how often.
type laneReader struct {
	all  atomic.Int64
	slow time.Duration // that the whole cluster takes to read

	mu     sync.Mutex
	wanted [][]string
}

func (r *laneReader) Read(ctx context.Context, _ *lag.Snapshot) *lag.Observation {
	r.all.Add(1)
	obs := healthy()
	select {
	case <-time.After(r.slow):
	case <-ctx.Done():
	}
	for _, name := range []string{"a", "b"} {
		obs.Groups = append(obs.Groups, lag.GroupObservation{Name: name, CommitsReadAt: obs.StartedAt, MembersReadAt: obs.StartedAt})
	}
	obs.Uncollected = []lag.UncollectedGroup{{Name: "beyond the limit"}}
	return obs
}

func (r *laneReader) ReadGroups(_ context.Context, prev *lag.Snapshot, groups []string) *lag.Observation {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted = append(r.wanted, groups)
	now := time.Now()
	obs := &lag.Observation{Cluster: prev.Cluster, StartedAt: now, Partial: true}
	for _, name := range groups {
		obs.Groups = append(obs.Groups, lag.GroupObservation{Name: name, CommitsReadAt: now, MembersReadAt: now})
	}
	return obs
}

func (r *laneReader) wantedPolls() [][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.wanted)
}

// lanes runs a collector of both lanes in a bubble of synctest, for as long as the test does.
func lanes(t *testing.T, slow time.Duration) (fixture, *laneReader) {
	reader := &laneReader{slow: slow}
	return startLanes(t, reader), reader
}

func startLanes(t *testing.T, reader Reader) fixture {
	f := newFixture(5*time.Second, reader)
	f.cfg.WantedInterval = time.Second
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return f
}

func TestWantedGroupsAreReadAtOnceAndThenEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, reader := lanes(t, 0)
		time.Sleep(10500 * time.Millisecond)
		if n := len(reader.wantedPolls()); n != 0 {
			t.Fatalf("%d polls of wanted groups, and none is wanted", n)
		}
		f.wanted.Ask([]string{"b", "not there", "beyond the limit"})
		synctest.Wait()
		if got := reader.wantedPolls(); len(got) != 1 || !slices.Equal(got[0], []string{"b", "beyond the limit"}) {
			t.Fatalf("the groups asked for first were read %v", got)
		}
		time.Sleep(5100 * time.Millisecond)
		f.wanted.Ask([]string{"b"}) // is wanted already
		synctest.Wait()
		if n := len(reader.wantedPolls()); n != 6 {
			t.Errorf("%d polls of wanted groups within 5.1 s", n)
		}
		if n := reader.all.Load(); n != 4 {
			t.Errorf("%d polls of all groups within 15.6 s", n)
		}
		if at := f.store.Snapshots()[0].Group("b").ReadAt; time.Since(at) > time.Second {
			t.Errorf("the wanted group is %v old", time.Since(at))
		}
		if at := f.store.Snapshots()[0].Group("a").ReadAt; time.Since(at) < time.Second/2 {
			t.Errorf("another group is %v old", time.Since(at))
		}
		if n := testutil.ToFloat64(f.metrics.wantedGroups.WithLabelValues("c")); n != 2 {
			t.Errorf("%v wanted groups in the series", n)
		}
	})
}

func TestWantedGroupsAreForgottenAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, reader := lanes(t, 0)
		f.wanted.Ask([]string{"a"})
		time.Sleep(11 * time.Minute)
		n := len(reader.wantedPolls())
		if n < 590 || n > 602 {
			t.Errorf("%d polls in the ten minutes", n)
		}
		time.Sleep(time.Minute + 500*time.Millisecond) // between two ticks
		if more := len(reader.wantedPolls()); more != n {
			t.Errorf("%d polls after they were over", more-n)
		}
		f.wanted.Ask([]string{"a"})
		synctest.Wait()
		if more := len(reader.wantedPolls()); more != n+1 {
			t.Error("asked for again, it is not read at once")
		}
	})
}

func TestSlowCollectionDoesNotDelayWantedGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, reader := lanes(t, 4*time.Second)
		time.Sleep(4500 * time.Millisecond) // the first one is in
		f.wanted.Ask([]string{"a"})
		for range 20 {
			time.Sleep(time.Second)
			synctest.Wait()
			if age := time.Since(f.store.Snapshots()[0].Group("a").ReadAt); age > time.Second {
				t.Fatalf("the wanted group is %v old", age)
			}
		}
		if n := reader.all.Load(); n != 5 {
			t.Errorf("%d polls of all groups", n)
		}
	})
}

func TestLiveKnowsOfBothLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := lanes(t, 0)
		stuck := time.Now()
		f.lanes[laneWanted].progress.Store(&stuck)
		time.Sleep(10 * time.Minute)
		if err := f.Live(); err != nil {
			t.Errorf("both lanes move: %v", err)
		}
		f.lanes[laneWanted].progress.Store(&stuck)
		if err := f.Live(); err == nil || !strings.Contains(err.Error(), "wanted") {
			t.Errorf("a stuck lane gives %v", err)
		}
	})
}

func TestRow24FloodOfNamesKeepsTheLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWanted()
		for i := range 10 * maxWanted {
			w.Ask([]string{fmt.Sprintf("group-%05d", i)})
			time.Sleep(time.Millisecond)
		}
		got := w.Groups()
		if len(got) != maxWanted || got[len(got)-1] != fmt.Sprintf("group-%05d", 10*maxWanted-1) || got[0] != fmt.Sprintf("group-%05d", 9*maxWanted) {
			t.Errorf("%d groups from %s to %s", len(got), got[0], got[len(got)-1])
		}
	})
}

func TestRow12WhatBrokersLackIsNamedOnce(t *testing.T) {
	o := healthy()
	o.Brokers[1].Lacking = []lag.Capability{lag.CapabilityBatchedCommits}
	f := newFixture(time.Second, readerFunc(func(context.Context) *lag.Observation { return o }))
	for range 3 {
		f.pollAll(t.Context())
	}
	if n := strings.Count(f.log.String(), "batched_offset_fetch"); n != 1 || !strings.Contains(f.log.String(), "broker_ids=[2]") {
		t.Errorf("named %d times:\n%s", n, f.log)
	}
	down := *o // a broker that is away does not say what it lacks, and is not named again when it is back
	down.Brokers = []lag.Broker{o.Brokers[0], {ID: 2, Err: errRefused}}
	for _, observed := range []*lag.Observation{&down, o} {
		f.reader = readerFunc(func(context.Context) *lag.Observation { return observed })
		f.pollAll(t.Context())
	}
	if n := strings.Count(f.log.String(), "batched_offset_fetch"); n != 1 {
		t.Errorf("named %d times after an outage:\n%s", n, f.log)
	}
	if v := testutil.ToFloat64(f.metrics.lacking.WithLabelValues("c", "2", "batched_offset_fetch")); v != 1 {
		t.Errorf("the series says %v", v)
	}
	f.reader = readerFunc(func(context.Context) *lag.Observation { return healthy() })
	f.pollAll(t.Context())
	if n := testutil.CollectAndCount(f.metrics.lacking); n != 0 {
		t.Errorf("%d series after the upgrade", n)
	}
}

func TestRow12EveryCapabilitySaysWhatIsMissing(t *testing.T) {
	for _, c := range lag.Capabilities() {
		if c.Without() == "" {
			t.Errorf("%s does not", c)
		}
	}
}

func TestShareGroupsThatDoNotTellWhereTheyStartAreNamedOnce(t *testing.T) {
	silent, telling := healthy(), healthy()
	forbidden := &lag.ReadError{Class: lag.ClassAuthorization, Broker: -1, Op: "DescribeConfigs", Err: errors.New("not allowed")}
	for _, name := range []string{"a", "b"} {
		g := lag.GroupObservation{Name: name, Type: lag.GroupShare, CommitsReadAt: silent.StartedAt, MembersReadAt: silent.StartedAt, Start: lag.ShareStart{Err: forbidden}}
		silent.Groups = append(silent.Groups, g)
		g.Start = lag.ShareStart{ReadAt: silent.StartedAt}
		telling.Groups = append(telling.Groups, g)
	}
	f := newFixture(time.Second, nil)
	for _, o := range []*lag.Observation{silent, silent, telling, telling, silent} {
		f.reader = readerFunc(func(context.Context) *lag.Observation { return o })
		f.pollAll(t.Context())
	}
	if n := strings.Count(f.log.String(), "--earliest-groups"); n != 2 || !strings.Contains(f.log.String(), "groups=2 first=a") {
		t.Errorf("named %d times, want twice:\n%s", n, f.log)
	}
	if n := strings.Count(f.log.String(), "where they start again"); n != 1 {
		t.Errorf("over %d times:\n%s", n, f.log)
	}
	if n := testutil.ToFloat64(f.metrics.readErrors.WithLabelValues("c", "authorization")); n != 0 {
		t.Errorf("%v errors are counted for what the operator may say instead", n)
	}
}

// failingLane reads whole clusters well, and of wanted groups neither their commits nor the ends of their partitions.
type failingLane struct{ laneReader }

func (r *failingLane) ReadGroups(ctx context.Context, prev *lag.Snapshot, groups []string) *lag.Observation {
	obs := r.laneReader.ReadGroups(ctx, prev, groups)
	for i := range obs.Groups {
		obs.Groups[i].CommitsErr, obs.Groups[i].CommitsReadAt = errRefused, time.Time{}
	}
	obs.Topics = []lag.Topic{{
		Name: "orders", Partitions: []lag.Partition{{}, {Partition: 1}},
		Ends: lag.NewOffsets(lag.Offset{Err: errRefused}, lag.Offset{Err: errRefused}), Starts: lag.NewOffsets(lag.Offset{}, lag.Offset{}),
	}}
	return obs
}

// What a collection of wanted groups could not read is counted as that of any other is: groups, also such as are beyond the limits, and
// partitions.
func TestFailuresOfWantedGroupsAreCounted(t *testing.T) {
	for _, group := range []string{"a", "beyond the limit"} {
		f := newFixture(time.Second, &failingLane{})
		f.pollAll(t.Context())
		f.wanted.Ask([]string{group})
		f.pollWanted(t.Context())
		if n := testutil.ToFloat64(f.metrics.readErrors.WithLabelValues("c", "connection")); n != 3 {
			t.Errorf("of %q, %v failures are counted, want those of a group and of two partitions", group, n)
		}
	}
}
