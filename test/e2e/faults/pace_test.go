package faults

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
)

// What is asked of brokers beside a fault that they have no part in. They answer within milliseconds, unless the machine has no time for them:
// then nobody's values can be fresh, and a goal that is a time says nothing of the product.
const (
	paceEvery = 200 * time.Millisecond
	paceSlow  = 500 * time.Millisecond // a third of what a poll for HPAs has, which takes three requests
	paceAfter = 3 * time.Second        // until a poll that came into it is over, and the next
)

// pace notes when brokers took long to answer, or did not, one connection to each, until it is stopped.
type pace struct {
	stop context.CancelFunc
	asks sync.WaitGroup

	mu   sync.Mutex
	slow []check.Span
}

// pace asks all brokers but one.
func (w *world) pace(ctx context.Context, but int32) (*pace, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(w.Kafka.Bootstrap(), ",")...), kgo.DisableClientMetrics())
	if err != nil {
		return nil, err
	}
	metadata, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client) // from here on the client knows the brokers by their ids
	if err != nil {
		client.Close()
		return nil, err
	}
	p := &pace{}
	ctx, p.stop = context.WithCancel(ctx)
	context.AfterFunc(ctx, func() { p.asks.Wait(); client.Close() })
	for _, b := range metadata.Brokers {
		if b.NodeID != but {
			p.asks.Go(func() { p.ask(ctx, client.Broker(int(b.NodeID))) })
		}
	}
	return p, nil
}

func (p *pace) ask(ctx context.Context, broker *kgo.Broker) {
	tick := time.NewTicker(paceEvery)
	defer tick.Stop()
	for {
		began := time.Now()
		_, err := broker.Request(ctx, kmsg.NewPtrListGroupsRequest())
		if ctx.Err() != nil {
			return
		}
		p.note(began, time.Now(), err)
		<-tick.C
	}
}

func (p *pace) note(began, ended time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil || ended.Sub(began) > paceSlow {
		p.slow = append(p.slow, check.Span{From: began, To: ended.Add(paceAfter)})
	}
}

// end returns the times that do not count.
func (p *pace) end() []check.Span {
	p.stop()
	p.asks.Wait()
	return check.Merge(p.slow)
}
