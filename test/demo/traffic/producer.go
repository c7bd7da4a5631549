package traffic

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// produceInterval is how often the records that are due are produced.
const produceInterval = 50 * time.Millisecond

// producer produces at a rate that varies.
type producer struct {
	cfg    Config
	client *kgo.Client
	ledger *ledger
}

func newProducer(cfg Config, brokers []string, ledger *ledger) (*producer, error) {
	client, err := newClient(brokers, kgo.ClientID("producer"), kgo.DefaultProduceTopic(cfg.Topic),
		kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		return nil, err
	}
	return &producer{cfg: cfg, client: client, ledger: ledger}, nil
}

// run produces until the context ends.
func (p *producer) run(ctx context.Context) {
	defer p.client.Close()
	ticker := time.NewTicker(produceInterval)
	defer ticker.Stop()
	start, number := time.Now(), 0
	last, due := start, 0.0
	for {
		var now time.Time
		select {
		case <-ctx.Done():
			return
		case now = <-ticker.C:
		}
		due += p.cfg.Rate(now.Sub(start)) * min(now.Sub(last), time.Second).Seconds() // after a standstill, do not catch up
		last = now
		if p.ledger.totals().Lag() > maxLag {
			due = 0
		}
		for ; due >= 1; due-- {
			number++
			p.client.Produce(ctx, &kgo.Record{Value: fmt.Appendf(nil, `{"order":%d}`, number)}, p.acknowledged)
		}
	}
}

func (p *producer) acknowledged(record *kgo.Record, err error) {
	if err == nil {
		p.ledger.produced(record.Partition, record.Offset)
		return
	}
	if record.Context.Err() == nil { // not because we are stopping
		p.cfg.Logger.Warn("producing failed", "err", err)
	}
}
