package collector

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Reader makes one collection, within bounded time.
type Reader interface {
	Read(ctx context.Context) *lag.Observation
}

// Config says how one cluster is polled.
type Config struct {
	// Interval is the time from the start of one poll to the start of the next. Polls never overlap: if one takes longer, the
	// ticks that it misses are left out.
	Interval time.Duration
	Policy   lag.Policy
}

// Collector polls one cluster.
type Collector struct {
	cfg     Config
	reader  Reader
	store   *Store
	metrics *Metrics
	journal *journal

	progress atomic.Pointer[time.Time] // when the loop last moved on
}

// New returns a Collector that publishes to the store once it runs.
func New(cfg Config, reader Reader, store *Store, metrics *Metrics, logger *slog.Logger) *Collector {
	return &Collector{cfg: cfg, reader: reader, store: store, metrics: metrics, journal: newJournal(logger)}
}

// Run polls until the context ends, the first time at once.
func (c *Collector) Run(ctx context.Context) error {
	c.moved()
	ticker := time.NewTicker(c.cfg.Interval)
	defer ticker.Stop()
	var latest *lag.Snapshot
	for ctx.Err() == nil { // a tick may be waiting at the same time as the end
		latest = c.poll(ctx, latest)
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	return nil
}

// poll makes one collection and returns the snapshot that follows from it.
func (c *Collector) poll(ctx context.Context, prev *lag.Snapshot) *lag.Snapshot {
	obs := c.reader.Read(ctx)
	if ctx.Err() != nil { // we are shutting down: what failed now failed because of us
		return prev
	}
	next := lag.Compute(prev, obs, c.cfg.Policy)
	c.store.Publish(next)
	problems := problemsOf(obs, next)
	c.metrics.observe(obs, problems)
	c.journal.record(problems)
	c.moved()
	return next
}

func (c *Collector) moved() {
	now := time.Now()
	c.progress.Store(&now)
}

// stuckAfter is how long the loop may stand still. A poll is bounded below its interval, so only a defect holds it longer.
func (c *Collector) stuckAfter() time.Duration { return max(3*c.cfg.Interval, 30*time.Second) }

// Live returns why the loop is stuck, nil if it is not. Kafka's health plays no part: a poll that reads nothing is progress.
func (c *Collector) Live() error {
	at := c.progress.Load()
	if at == nil {
		return nil // not started yet: the rest of the program says whether it ever will
	}
	if still := time.Since(*at); still > c.stuckAfter() {
		return fmt.Errorf("no poll has ended for %s", still.Round(time.Second))
	}
	return nil
}
