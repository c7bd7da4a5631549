// Package brokers runs a Kafka together with the oracle that tells the truth
// about it.
package brokers

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

// Brokers are a running Kafka and its oracle.
type Brokers struct {
	Kafka  *kafka.Cluster
	Oracle *oracle.Oracle
}

// Start starts both. Their files go to dir, which replaces the Config's; its
// jars are today's Kafka unless it names others. The oracle is always today's.
func Start(ctx context.Context, where layout.Layout, dir string, cfg kafka.Config) (*Brokers, error) {
	cfg.Dir = filepath.Join(dir, "kafka")
	if cfg.Libs == "" {
		cfg.Libs = where.KafkaLibs()
	}
	var b Brokers
	var err error
	if b.Kafka, err = kafka.Start(ctx, cfg); err != nil {
		return nil, err
	}
	b.Oracle, err = oracle.Start(ctx, oracle.Config{Libs: where.KafkaLibs(), Dir: filepath.Join(dir, "oracle"), Bootstrap: b.Kafka.Bootstrap()})
	if err != nil {
		return nil, errors.Join(err, b.Kafka.Close())
	}
	return &b, nil
}

// Workload is for producing to and consuming from this Kafka.
func (b *Brokers) Workload() workload.Kafka { return workload.Kafka{Bootstrap: b.Kafka.Bootstrap()} }

// Close ends both. Logs stay.
func (b *Brokers) Close() error { return errors.Join(b.Oracle.Close(), b.Kafka.Close()) }
