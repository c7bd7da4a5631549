package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Reader makes collections, each within bounded time. Read and ReadGroups may be under way at the same time, but neither of them
// twice.
type Reader interface {
	// Read reads the whole cluster. prev is what is known so far, nil at first.
	Read(ctx context.Context, prev *lag.Snapshot) *lag.Observation
	// ReadGroups reads only these groups and their partitions. prev is never nil.
	ReadGroups(ctx context.Context, prev *lag.Snapshot, groups []string) *lag.Observation
}

// Config says how one cluster is polled.
type Config struct {
	// Interval is the time from the start of one poll to the start of the next. Polls never overlap: if one takes longer, the
	// ticks that it misses are left out.
	Interval time.Duration
	// WantedInterval is the same for the groups that are wanted. 0 polls them with all others.
	WantedInterval time.Duration
	Policies       lag.Policies
}

// Collector polls one cluster, in two lanes: one for the whole cluster, and a quicker one for the groups that are wanted.
type Collector struct {
	cfg     Config
	reader  Reader
	wanted  *Wanted
	store   *Store
	metrics *Metrics
	journal *journal

	mu      sync.Mutex    // held while what was read is taken in
	latest  *lag.Snapshot // nil until the first collection is in
	retired bool          // what is still read is not taken in
	read    bool          // the brokers in latest were read by this collector, and not by one that it has succeeded

	lanes [2]lane
}

// The lanes.
const (
	laneAll    = 0
	laneWanted = 1
)

// lane is one loop of polls.
type lane struct {
	name     string
	progress atomic.Pointer[time.Time] // when the loop last moved on; nil while it does not run
}

func (l *lane) moved() {
	now := time.Now()
	l.progress.Store(&now)
}

// leastRest is how long a lane rests after a poll before it can be woken. Who asks for ever new groups, or for more than can be
// wanted in turn, must not keep the brokers busy without a pause.
const leastRest = 100 * time.Millisecond

// New returns a Collector that publishes to the store once it runs.
func New(cfg Config, reader Reader, wanted *Wanted, store *Store, metrics *Metrics, logger *slog.Logger) *Collector {
	c := &Collector{cfg: cfg, reader: reader, wanted: wanted, store: store, metrics: metrics, journal: newJournal(logger)}
	c.lanes[laneAll].name, c.lanes[laneWanted].name = "all", "wanted"
	return c
}

// Run polls until the context ends, the first time at once.
func (c *Collector) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	if c.cfg.WantedInterval > 0 {
		wake, unsubscribe := c.wanted.subscribe()
		defer unsubscribe()
		wg.Go(func() { c.loop(ctx, laneWanted, c.cfg.WantedInterval, wake, c.pollWanted) })
	}
	c.loop(ctx, laneAll, c.cfg.Interval, nil, c.pollAll)
	return nil
}

// loop polls at the interval, and when it is woken, until the context ends.
func (c *Collector) loop(ctx context.Context, number int, interval time.Duration, wake <-chan struct{}, poll func(context.Context)) {
	l := &c.lanes[number]
	l.moved()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for ctx.Err() == nil { // a tick may be waiting at the same time as the end
		poll(ctx)
		l.moved()
		select { // not to be woken
		case <-ctx.Done():
			return
		case <-ticker.C:
			continue
		case <-time.After(leastRest):
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-wake:
			ticker.Reset(interval)
		}
	}
}

// pollAll makes one collection of the whole cluster.
func (c *Collector) pollAll(ctx context.Context) {
	obs := c.reader.Read(ctx, c.known())
	if ctx.Err() != nil { // we are shutting down: what failed now failed because of us
		return
	}
	c.take(obs, func(next *lag.Snapshot) {
		problems := problemsOf(obs, next)
		c.metrics.observe(obs, problems)
		c.journal.record(problems)
		c.journal.recordLacking(obs.Brokers)
		c.journal.recordShareStarts(next)
	})
}

// pollWanted makes one collection of the groups that are wanted and exist, if there are any.
func (c *Collector) pollWanted(ctx context.Context) {
	prev := c.ownReading()
	if prev == nil {
		return
	}
	groups := prev.Existing(c.wanted.Groups())
	if !c.noteWanted(prev.Cluster, len(groups)) || len(groups) == 0 {
		return
	}
	obs := c.reader.ReadGroups(ctx, prev, groups)
	if ctx.Err() != nil {
		return
	}
	c.take(obs, func(s *lag.Snapshot) { c.metrics.observeWanted(obs, problemsOfWanted(obs, s)) })
}

// known returns the latest snapshot.
func (c *Collector) known() *lag.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.latest
}

// ownReading returns the latest snapshot, nil as long as the brokers in it are those of a collector that this one has succeeded.
func (c *Collector) ownReading() *lag.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.read {
		return nil
	}
	return c.latest
}

// take publishes what follows from an observation, and has it noted. Another lane's may have come in while it was made; Compute
// sorts that out.
func (c *Collector) take(obs *lag.Observation, note func(*lag.Snapshot)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.retired {
		return
	}
	c.read = c.read || !obs.Partial && obs.MetadataErr == nil
	c.latest = lag.Compute(c.latest, obs, c.cfg.Policies)
	c.store.Publish(c.latest)
	note(c.latest)
}

// noteWanted takes in how many groups are wanted, and says whether that still matters.
func (c *Collector) noteWanted(cluster string, groups int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.retired {
		c.metrics.wanted(cluster, groups)
	}
	return !c.retired
}

var errNotCollected = errors.New("no collection has ended yet")

// await publishes that there is the cluster, and that nothing is known of it yet.
func (c *Collector) await(cluster string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latest = &lag.Snapshot{Cluster: cluster, ListingErr: errNotCollected, Awaited: time.Now()}
	c.store.Publish(c.latest)
}

// retire ends what the collector does to the store, the metrics and the log, at once and whatever it is waiting for. It returns
// the last snapshot, nil if there is none.
func (c *Collector) retire() *lag.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retired = true
	return c.latest
}

// succeed takes the place of another collector of the same cluster, which is retired: what it knew goes on to be served, as far as
// keep returns it, and what it said of problems is not said again. A nil keep returns all of it.
func (c *Collector) succeed(old *Collector, keep func(*lag.Snapshot) *lag.Snapshot) {
	known := old.retire()
	c.journal.continueFrom(old.journal)
	if known == nil {
		return
	}
	if c.cfg.WantedInterval == 0 {
		c.metrics.noneWanted(known.Cluster)
	}
	if keep != nil {
		known = keep(known)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latest = known
	c.store.Publish(known)
}

// stuckAfter is how long a lane may stand still. A poll is bounded in time, so only a defect holds it longer.
func (c *Collector) stuckAfter() time.Duration { return max(3*c.cfg.Interval, 30*time.Second) }

// Live returns why a lane is stuck, nil if none is. Kafka's health plays no part: a poll that reads nothing is progress.
func (c *Collector) Live() error {
	for i := range c.lanes {
		at := c.lanes[i].progress.Load()
		if at == nil {
			continue // not started: the rest of the program says whether it ever will
		}
		if still := time.Since(*at); still > c.stuckAfter() {
			return fmt.Errorf("no poll of %s groups has ended for %s", c.lanes[i].name, still.Round(time.Second))
		}
	}
	return nil
}
