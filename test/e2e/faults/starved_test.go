package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/cgroup"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/watch"
)

// starvedMillis is what each replica gets of a CPU, in thousandths.
const starvedMillis = 50

// discoveryWithin is the goal for discovery then.
const discoveryWithin = time.Second

// starved is row 18: both replicas get a twentieth of a CPU each, so that whichever the API server asks, it asks one that starves.
type starved struct {
	mu    sync.Mutex
	took  map[string][]time.Duration // discovery, by the way there
	usage []string                   // by replica
	slow  []string                   // of those that took longer than they should, when
}

func starvedRow() row {
	s := &starved{took: map[string][]time.Duration{}}
	return row{number: 18, name: "CPU-is-starved", short: 30 * time.Second, long: 5 * time.Minute, fault: s.fault, targets: sparse, goals: s.goals}
}

// sparse are targets that are looked at as often as users do. Ten times a second is what the checker wants elsewhere, and would take much of
// the CPU time that a row is about.
func sparse(w *world) watch.Targets {
	t := w.targets()
	t.Interval = time.Second
	return t
}

func (s *starved) fault(ctx context.Context, w *world, lasts time.Duration) (err error) {
	for i, a := range w.replicas.All {
		group, err := cgroup.NewCPU(fmt.Sprintf("lag-adapter-%d", i), starvedMillis)
		if err != nil {
			return err
		}
		used, err := cpuTime(a.Process().PID())
		began := time.Now()
		if err := errors.Join(err, group.Add(a.Process().PID())); err != nil {
			return errors.Join(err, group.Close())
		}
		defer func() {
			now, bad := cpuTime(a.Process().PID())
			throttled, all, stat := group.Throttled()
			s.usage = append(s.usage, fmt.Sprintf("%s used %.0f thousandths of a CPU, and waited in %d of %d periods", replica(i),
				1000*(now-used).Seconds()/time.Since(began).Seconds(), throttled, all))
			err = errors.Join(err, bad, stat, group.Close())
		}()
	}
	return s.discover(ctx, w, lasts)
}

// way is one to ask for discovery.
type way struct {
	name string
	ask  func(ctx context.Context, path string) error
}

// discover asks for discovery, once a second in each way.
func (s *starved) discover(ctx context.Context, w *world, lasts time.Duration) error {
	pair, err := w.ControlPlane.CA.Client("admin", "system:masters")
	if err != nil {
		return err
	}
	admin := caller{cert: &pair}
	ways := []way{{"through the API server", func(ctx context.Context, path string) error {
		return w.ControlPlane.Client.Discovery().RESTClient().Get().AbsPath(path).Do(ctx).Error()
	}}}
	for i, a := range w.replicas.All {
		client, err := admin.client(a)
		if err != nil {
			return err
		}
		defer client.CloseIdleConnections()
		answered := func(code int, body string, err error) error {
			if err == nil && code != http.StatusOK {
				err = fmt.Errorf("%s answers %d %.200s", replica(i), code, body)
			}
			return err
		}
		ways = append(ways, way{"directly, on an open connection", func(ctx context.Context, path string) error {
			return answered(admin.askBy(ctx, client, a, path))
		}}, way{"directly, on a new connection", func(ctx context.Context, path string) error { return answered(admin.ask(ctx, a, path)) }})
	}
	over, stop := context.WithTimeout(ctx, lasts)
	defer stop()
	var asking errgroup.Group
	for _, way := range ways {
		asking.Go(func() error { return s.askOn(ctx, way, over.Done()) })
	}
	return asking.Wait()
}

func (s *starved) askOn(ctx context.Context, way way, over <-chan struct{}) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	paths := []string{watch.Custom, watch.External, "/apis/custom.metrics.k8s.io/v1beta1"}
	for turn := 0; ; turn++ {
		select {
		case <-over:
			return context.Cause(ctx)
		case <-tick.C:
		}
		began := time.Now()
		if err := way.ask(ctx, paths[turn%len(paths)]); err != nil {
			return fmt.Errorf("discovery %s: %w", way.name, err)
		}
		s.mu.Lock()
		took := time.Since(began)
		s.took[way.name] = append(s.took[way.name], took)
		if took > discoveryWithin {
			s.slow = append(s.slow, fmt.Sprintf("%s: %s of %s took %s", began.Format(time.TimeOnly), way.name, paths[turn%len(paths)], took))
		}
		s.mu.Unlock()
	}
}

// goals are about how long discovery took.
func (s *starved) goals(t *testing.T, _ *world, _ watched, _ check.Report) []goal {
	t.Helper()
	for _, line := range slices.Concat(s.usage, s.slow) {
		t.Log(line)
	}
	var goals []goal
	for _, way := range slices.Sorted(maps.Keys(s.took)) {
		took := s.took[way]
		slices.Sort(took)
		p50, p99, most := took[len(took)/2], took[min(len(took)*99/100, len(took)-1)], took[len(took)-1]
		goals = append(goals, goal{
			what: "discovery " + way, wanted: "p99 < 1 s", met: p99 < discoveryWithin, timed: true, measured: fmt.Sprintf("p50 %s, p99 %s, at most %s, of %d",
				p50.Round(time.Millisecond), p99.Round(time.Millisecond), most.Round(time.Millisecond), len(took)),
		})
	}
	if len(goals) != 3 {
		t.Errorf("%d ways were measured", len(goals))
	}
	return goals
}

// cpuTime is what a process used so far.
func cpuTime(pid int) (used time.Duration, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	const user, system, tick = 11, 12, 10 * time.Millisecond // after the name, which is in parentheses
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	for _, i := range []int{user, system} {
		n, bad := strconv.Atoi(fields[i])
		used, err = used+time.Duration(n)*tick, errors.Join(err, bad)
	}
	return used, err
}
