package load

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// consumer is the only member of a group, which reads and commits a little at a time.
type consumer struct {
	load         *Load
	group, topic string
	server       bool // KIP-848

	cancel  context.CancelFunc
	running sync.WaitGroup
}

func (c *consumer) start() error {
	opts := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(c.load.cfg.Bootstrap, ",")...), kgo.DisableClientMetrics(),
		kgo.ConsumerGroup(c.group), kgo.ConsumeTopics(c.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(),
		kgo.FetchMaxWait(2 * time.Second), kgo.ClientID(c.group),
	}
	if c.server {
		opts = append(opts, kgo.ServerSideBalancer())
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("joining %s: %w", c.group, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	c.running.Go(func() {
		defer client.CloseAllowingRebalance()
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if records := client.PollRecords(ctx, 8).Records(); len(records) > 0 {
				short, stop := context.WithTimeout(ctx, patience)
				_ = client.CommitRecords(short, records...) // what is not committed now is with the next ones
				stop()
			}
		}
	})
	return nil
}

func (c *consumer) stop() {
	if c.cancel == nil {
		return
	}
	c.cancel()
	c.running.Wait()
	c.cancel = nil
}
