package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func TestFleetAddsRemovesAndReplaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newClusters()
		f := newTestFleet(t, all, all.member("a", "one"), all.member("b", "two"))
		defer f.end(t)
		time.Sleep(12 * time.Second)
		synctest.Wait()
		f.apply(t, all.member("a", "one"), all.member("c", "three"))
		synctest.Wait()
		groups, labels := f.shown(t)
		if !slices.Equal(groups, []string{"a/one", "c/three"}) || !slices.Equal(labels, []string{"a", "c"}) {
			t.Errorf("served: %v, with series: %v", groups, labels)
		}
		time.Sleep(12 * time.Second)
		synctest.Wait()
		for _, s := range f.store.Snapshots() { // what comes later changes no answer until it is there
			if s.Awaited.IsZero() != (s.Cluster == "c") {
				t.Errorf("%s is awaited since %s", s.Cluster, s.Awaited)
			}
		}
		if a, b, c := all.polls("a"), all.polls("b"), all.polls("c"); a != 5 || b != 3 || c != 3 {
			t.Errorf("%d polls of the one that stayed within 24 s, %d of the one that left, %d of the one that came", a, b, c)
		}
		f.apply(t, all.member("a", "two"), all.member("c", "three"))
		if groups, _ := f.shown(t); !slices.Contains(groups, "a/one") {
			t.Errorf("as soon as it is replaced, there is only %v", groups)
		}
		synctest.Wait()
		if groups, _ := f.shown(t); !slices.Contains(groups, "a/two") || !slices.Equal(all.opened(), []string{"a/two", "c/three"}) {
			t.Errorf("once it was read, there is %v, and open are %v", groups, all.opened())
		}
	})
}

// One that hangs or cannot be opened holds no other up, also when it is taken out; what it still reads then counts no more.
func TestFleetMembersAreIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newClusters()
		all.wrong["closed"] = errors.New("a.pem: no such file")
		endHang := all.hang("hung")
		f := newTestFleet(t, all, all.member("a", "one"), all.member("closed", "x"), all.member("hung", "y"))
		defer f.end(t)
		defer endHang()
		time.Sleep(21 * time.Second)
		synctest.Wait()
		if n := all.polls("a"); n != 5 {
			t.Errorf("%d polls in 21 s", n)
		}
		if up := testutil.ToFloat64(f.metrics.clusterUp.WithLabelValues("closed")); up != 0 || !strings.Contains(f.log.String(), "a.pem: no such file") {
			t.Errorf("the one that cannot be opened has up=%v and the log\n%s", up, f.log.String())
		}
		if n := len(f.store.Snapshots()); n != 3 { // nobody may take the others' groups for absent
			t.Errorf("%d of 3 clusters are known of", n)
		}
		for _, s := range f.store.Snapshots() {
			if s.Cluster != "a" && !s.ListedAt.IsZero() {
				t.Errorf("%s was listed at %s", s.Cluster, s.ListedAt)
			}
			if time.Since(s.Awaited) != 21*time.Second {
				t.Errorf("%s is awaited since %s", s.Cluster, s.Awaited)
			}
		}
		all.mu.Lock()
		delete(all.wrong, "closed")
		all.mu.Unlock()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if groups, _ := f.shown(t); !slices.Equal(groups, []string{"a/one", "closed/x"}) {
			t.Errorf("once its reader could be opened there is %v", groups)
		}

		f.apply(t, all.member("a", "one"))
		endHang()
		synctest.Wait()
		if groups, labels := f.shown(t); !slices.Equal(groups, []string{"a/one"}) || !slices.Equal(labels, []string{"a"}) {
			t.Errorf("what was taken out is back: %v, %v", groups, labels)
		}
		if err := f.Live(); err != nil || !slices.Equal(all.opened(), []string{"a/one"}) {
			t.Errorf("live: %v, open: %v", err, all.opened())
		}
	})
}

func TestFleetLiveIsThatOfAllMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newClusters()
		f := newTestFleet(t, all, all.member("a", "one"), all.member("b", "two"))
		defer f.end(t)
		end := all.hang("b")
		time.Sleep(time.Minute)
		if err := f.Live(); err == nil {
			t.Error("a member whose loop hangs counts as live")
		}
		f.apply(t, all.member("a", "one"))
		if err := f.Live(); err != nil {
			t.Errorf("one that was taken out counts: %v", err)
		}
		end()
	})
}

// What cannot be opened refuses the whole change.
func TestFleetChangesAsAWholeOrNotAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newClusters()
		f := newTestFleet(t, all, all.member("a", "one"))
		defer f.end(t)
		all.wrong["b"], all.wrong["c"] = errors.New("wrong b"), errors.New("wrong c")
		commit, err := f.Prepare([]Member{all.member("a", "two"), all.member("b", "x"), all.member("c", "x")})
		if commit != nil || err == nil || !strings.Contains(err.Error(), "wrong b") || !strings.Contains(err.Error(), "wrong c") {
			t.Errorf("not every mistake is told: %v", err)
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if groups, _ := f.shown(t); !slices.Equal(groups, []string{"a/one"}) || !slices.Equal(all.opened(), []string{"a/one"}) || all.polls("a") != 2 {
			t.Errorf("served: %v, open: %v, %d polls", groups, all.opened(), all.polls("a"))
		}
		if err := NewFleet(f.wanted, &Store{}, f.metrics, f.logger).Start([]Member{all.member("b", "x"), all.member("c", "x")}); err == nil {
			t.Error("a fleet starts although none of its members can")
		}
		f.stop()
		synctest.Wait()
		f.apply(t, all.member("a", "late")) // nobody waits for it any more
		if left := all.opened(); len(left) > 0 {
			t.Errorf("readers %v were opened after the end", left)
		}
	})
}

// What is known is handed over, also what was said of problems. Where its groups are, a new reader finds out itself.
func TestSuccessorTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newClusters()
		f := newTestFleet(t, all, all.member("a", "one"))
		defer f.end(t)
		f.wanted.Ask([]string{"one"})
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		readAt, some := f.store.Snapshots()[0].Group("one").ReadAt, all.some
		end := all.hang("a")
		defer end()
		f.apply(t, all.member("a", "slower"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if g := f.store.Snapshots()[0].Group("one"); g == nil || !g.ReadAt.Equal(readAt) {
			t.Errorf("the group is %+v, read at %s before", g, readAt)
		}
		if n := all.some - some; n != 0 {
			t.Errorf("single groups were read %d times of brokers that others have found", n)
		}
		next := all.member("a", "two")
		next.Config.WantedInterval = 0
		next.Keep = func(s *lag.Snapshot) *lag.Snapshot {
			return s.Keep(func(name string) bool { return name != "one" }, nil)
		}
		f.apply(t, next)
		if g := f.store.Snapshots()[0].Group("one"); g != nil {
			t.Errorf("what was not kept is served: %+v", g)
		}
		if n := testutil.CollectAndCount(f.metrics.wantedGroups); n != 0 {
			t.Errorf("%d series of what is no longer wanted", n)
		}
		end()
		synctest.Wait()
		if n := strings.Count(f.log.String(), "too old for"); n != 1 || f.store.Snapshots()[0].Group("two") == nil {
			t.Errorf("said %d times:\n%s", n, f.log.String())
		}
	})
}

// Whatever was under way when a collector was retired leaves no trace.
func TestRetiredCollectorDoesNothing(t *testing.T) {
	f := newFixture(time.Second, readerFunc(func(context.Context) *lag.Observation { return down() }))
	f.retire()
	f.pollAll(t.Context())
	f.noteWanted("c", 1)
	families, err := f.registry.Gather()
	if err != nil || len(families) > 0 || len(f.store.Snapshots()) > 0 || f.log.Len() > 0 {
		t.Errorf("%v, %v, %v, %s", families, err, f.store.Snapshots(), f.log)
	}
}

// Whoever asks while members are replaced over and over always gets the values, and never younger ones than were read.
func TestReplacingShowsNoGap(t *testing.T) {
	all := newClusters()
	unchanged := all.member("b", "two")
	unchanged.Config.Interval = time.Hour
	f := newTestFleet(t, all, all.member("a", "one"), unchanged)
	deadline, look := time.After(time.Minute), time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !complete(f.store.Snapshots()) {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatal("no collection")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for ctx.Err() == nil {
				if s := f.store.Snapshots(); !complete(s) {
					t.Errorf("there is %+v", s)
					return
				}
				if err := f.Live(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 300 {
		changed := all.member("a", "one")
		changed.Settings = i
		f.apply(t, changed, unchanged)
		f.wanted.Ask([]string{"one", fmt.Sprint(i)})
	}
	cancel()
	asking.Wait()
	if n := all.polls("b"); n != 1 {
		t.Errorf("%d polls of the member that did not change", n)
	}
	f.end(t)
}

func complete(snapshots []*lag.Snapshot) bool {
	return len(snapshots) == 2 && snapshots[0].Group("one") != nil && snapshots[1].Group("two") != nil
}
