package collector

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// clusters are Kafka clusters that can be changed while they are read.
type clusters struct {
	mu    sync.Mutex
	hung  map[string]chan struct{} // reading waits for it, whatever the context says
	wrong map[string]error         // a reader cannot be opened
	reads map[string][]time.Time   // of the whole cluster
	some  int                      // how often single groups were read
	open  map[*clusterReader]bool
}

func newClusters() *clusters {
	return &clusters{hung: map[string]chan struct{}{}, wrong: map[string]error{}, reads: map[string][]time.Time{}, open: map[*clusterReader]bool{}}
}

// member is a member of a fleet that reads a group of the given name on the cluster.
func (c *clusters) member(name, group string) Member {
	return Member{Name: name, Settings: group, Config: Config{Interval: 5 * time.Second, WantedInterval: time.Second}, Open: func() (ClosingReader, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		r := &clusterReader{all: c, name: name, group: group}
		if err := c.wrong[name]; err != nil {
			return nil, err
		}
		c.open[r] = true
		return r, nil
	}}
}

func (c *clusters) opened() (readers []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for r := range c.open {
		readers = append(readers, r.name+"/"+r.group)
	}
	slices.Sort(readers)
	return readers
}

func (c *clusters) polls(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.reads[name])
}

// hang makes reading the cluster wait until the end of the hang.
func (c *clusters) hang(name string) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hung[name] = make(chan struct{})
	return sync.OnceFunc(func() { close(c.hung[name]) })
}

type clusterReader struct {
	all         *clusters
	name, group string
}

func (r *clusterReader) Read(context.Context, *lag.Snapshot) *lag.Observation {
	now := time.Now()
	r.all.mu.Lock()
	r.all.reads[r.name] = append(r.all.reads[r.name], now)
	r.all.mu.Unlock()
	return r.observe(now)
}

func (r *clusterReader) observe(now time.Time) *lag.Observation {
	r.all.mu.Lock()
	hung := r.all.hung[r.name]
	r.all.mu.Unlock()
	if hung != nil {
		<-hung
	}
	return &lag.Observation{
		Cluster: r.name, StartedAt: now, MetadataReadAt: now, Brokers: []lag.Broker{{ID: 1, Lacking: []lag.Capability{lag.CapabilityTopicIDs}}},
		Groups: []lag.GroupObservation{{Name: r.group, CommitsReadAt: now, MembersReadAt: now}},
	}
}

func (r *clusterReader) ReadGroups(context.Context, *lag.Snapshot, []string) *lag.Observation {
	r.all.mu.Lock()
	r.all.some++
	r.all.mu.Unlock()
	obs := r.observe(time.Now())
	obs.Partial = true
	return obs
}

func (r *clusterReader) Close() {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	if !r.all.open[r] {
		panic("closed twice: " + r.name)
	}
	delete(r.all.open, r)
}

// fleet is a Fleet at work.
type fleet struct {
	*Fleet
	*clusters
	registry *prometheus.Registry
	log      strings.Builder
	stop     context.CancelFunc
	done     chan error
}

func newTestFleet(t *testing.T, all *clusters, members ...Member) *fleet {
	t.Helper()
	f := &fleet{clusters: all, registry: prometheus.NewPedanticRegistry(), done: make(chan error, 1)}
	store := &Store{}
	f.Fleet = NewFleet(NewWanted(), store, NewMetrics(f.registry, store), slog.New(slog.NewTextHandler(&f.log, nil)))
	if err := f.Start(members); err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, f.stop = context.WithCancel(t.Context())
	go func() { f.done <- f.Run(ctx) }()
	return f
}

func (f *fleet) end(t *testing.T) {
	t.Helper()
	f.stop()
	if err := <-f.done; err != nil {
		t.Error(err)
	}
	if left := f.opened(); len(left) > 0 {
		t.Errorf("readers %v were not closed", left)
	}
}

func (f *fleet) apply(t *testing.T, members ...Member) {
	t.Helper()
	commit, err := f.Prepare(members)
	if err != nil {
		t.Fatal(err)
	}
	commit()
}

// shown are the groups that are served, as cluster/group, and the clusters that have series.
func (f *fleet) shown(t *testing.T) (groups, labels []string) {
	t.Helper()
	for _, s := range f.store.Snapshots() {
		for _, g := range s.Groups {
			groups = append(groups, s.Cluster+"/"+g.Name)
		}
	}
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, family := range families {
		for _, m := range family.Metric {
			for _, l := range m.Label {
				if l.GetName() == "cluster" {
					found[l.GetValue()] = true
				}
			}
		}
	}
	return groups, slices.Sorted(maps.Keys(found))
}
