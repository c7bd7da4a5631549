package traffic

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// batchTime is how long a consumer works on the records that it polls at once, before it commits them.
	batchTime = 250 * time.Millisecond
	// heartbeat is how soon a member learns of a rebalance.
	heartbeat = 300 * time.Millisecond
)

// pool is the members of the consumer group.
type pool struct {
	cfg     Config
	brokers []string
	ledger  *ledger

	mu      sync.Mutex
	running []*consumer    // by index
	all     sync.WaitGroup // those that are being stopped, too
}

func newPool(cfg Config, brokers []string, ledger *ledger) *pool {
	return &pool{cfg: cfg, brokers: brokers, ledger: ledger}
}

func (p *pool) names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := make([]string, len(p.running))
	for i, c := range p.running {
		names[i] = c.name
	}
	return names
}

func (p *pool) resize(n int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.running) > n {
		p.running[len(p.running)-1].stop()
		p.running = p.running[:len(p.running)-1]
	}
	for len(p.running) < n {
		c, err := p.start(fmt.Sprintf("consumer-%d", len(p.running)))
		if err != nil {
			return err
		}
		p.running = append(p.running, c)
	}
	return nil
}

func (p *pool) close() {
	_ = p.resize(0) // only starting can fail
	p.all.Wait()
}

// consumer is one member of the group, and plays a pod.
type consumer struct {
	name   string
	cfg    Config
	client *kgo.Client
	ledger *ledger
	stop   context.CancelFunc
}

func (p *pool) start(name string) (*consumer, error) {
	client, err := newClient(p.brokers, kgo.ClientID(name),
		kgo.ConsumerGroup(p.cfg.Group), kgo.ConsumeTopics(p.cfg.Topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.HeartbeatInterval(heartbeat), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll())
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &consumer{name: name, cfg: p.cfg, client: client, ledger: p.ledger, stop: stop}
	p.all.Go(func() { c.run(ctx) })
	return c, nil
}

// run consumes until the context ends, and then leaves the group.
func (c *consumer) run(ctx context.Context) {
	defer c.client.CloseAllowingRebalance()
	batch := max(1, int(c.cfg.ConsumerRate*batchTime.Seconds()))
	for ctx.Err() == nil {
		fetches := c.client.PollRecords(ctx, batch)
		fetches.EachError(func(topic string, partition int32, err error) {
			if ctx.Err() == nil {
				c.cfg.Logger.Warn("consuming failed", "consumer", c.name, "topic", topic, "partition", partition, "err", err)
			}
		})
		c.process(ctx, fetches.Records())
		c.client.AllowRebalance()
	}
}

// process takes its time, and then commits. What is not committed, because the consumer stops or has lost the partition, is
// consumed again by the partition's next owner.
func (c *consumer) process(ctx context.Context, records []*kgo.Record) {
	if len(records) == 0 {
		return
	}
	done := time.NewTimer(time.Duration(float64(len(records)) / c.cfg.ConsumerRate * float64(time.Second)))
	defer done.Stop()
	select {
	case <-ctx.Done():
		return
	case <-done.C:
	}
	if err := c.client.CommitRecords(ctx, records...); err != nil {
		return
	}
	for _, r := range records {
		c.ledger.consumed(r.Partition, r.Offset)
	}
}
