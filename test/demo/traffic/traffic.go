package traffic

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	brokers = 3
	// maxLag is the lag at which the producer pauses, so that a run without consumers stays small.
	maxLag = 50_000
	// Consumed records are deleted, but for the latest of each partition, so that a run of hours stays as small as one of a minute.
	keepRecords  = 500
	trimInterval = 5 * time.Second
	segmentBytes = "16384" // what is deleted goes by whole segments
)

// Config is what the traffic consists of.
type Config struct {
	Topic      string
	Partitions int32
	Group      string
	// Rate is how many records a second to produce, by the time since the start.
	Rate func(elapsed time.Duration) float64
	// ConsumerRate is how many records a second one consumer processes.
	ConsumerRate float64
	Logger       *slog.Logger
}

// Totals are numbers of records since the start.
type Totals struct {
	Produced, Consumed int64
}

// Lag is what was produced and not consumed.
func (t Totals) Lag() int64 { return t.Produced - t.Consumed }

// Traffic is a running Kafka with a producer and a pool of consumers.
type Traffic struct {
	cfg     Config
	cluster *kfake.Cluster
	ledger  *ledger
	stop    context.CancelFunc
	work    sync.WaitGroup // producing and trimming
	pool    *pool
}

// Start starts a Kafka with the topic and the producer, and as many consumers.
func Start(cfg Config, consumers int) (*Traffic, error) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(brokers))
	if err != nil {
		return nil, fmt.Errorf("start the in-process Kafka on loopback ports: %w", err)
	}
	if err := cluster.CreateTopic(cfg.Topic, cfg.Partitions, map[string]string{"segment.bytes": segmentBytes}); err != nil {
		cluster.Close()
		return nil, fmt.Errorf("create topic %s: %w", cfg.Topic, err)
	}
	ledger := newLedger(cfg.Partitions)
	producer, err := newProducer(cfg, cluster.ListenAddrs(), ledger)
	if err != nil {
		cluster.Close()
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	t := &Traffic{cfg: cfg, cluster: cluster, ledger: ledger, stop: stop, pool: newPool(cfg, cluster.ListenAddrs(), ledger)}
	t.work.Go(func() { producer.run(ctx) })
	t.work.Go(func() { t.trim(ctx) })
	if err := t.Resize(consumers); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// Brokers returns the addresses of the brokers, as host:port.
func (t *Traffic) Brokers() []string { return t.cluster.ListenAddrs() }

// Totals returns what was produced and consumed so far.
func (t *Traffic) Totals() Totals { return t.ledger.totals() }

// Consumers returns the names of the consumers that run, without those that are being stopped.
func (t *Traffic) Consumers() []string { return t.pool.names() }

// Resize starts or stops consumers until so many run. Those being stopped leave the group in the background.
func (t *Traffic) Resize(consumers int) error { return t.pool.resize(consumers) }

// Close stops producing, then consuming, then Kafka, and waits for all of it.
func (t *Traffic) Close() {
	t.stop()
	t.work.Wait()
	t.pool.close()
	t.cluster.Close()
}

// trim deletes consumed records from time to time.
func (t *Traffic) trim(ctx context.Context) {
	ticker := time.NewTicker(trimInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for partition := range t.cfg.Partitions {
			to := t.ledger.committed(partition) - keepRecords
			if to <= 0 {
				continue
			}
			if err := t.cluster.DeleteRecords(t.cfg.Topic, partition, to); err != nil {
				t.cfg.Logger.Warn("deleting consumed records failed", "partition", partition, "err", err)
			}
		}
	}
}

func newClient(brokers []string, opts ...kgo.Opt) (*kgo.Client, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(brokers...)}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("make a Kafka client: %w", err)
	}
	return client, nil
}
