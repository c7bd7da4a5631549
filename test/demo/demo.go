package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/demo/traffic"
)

// startTimeout is how long the demo may take to answer first; it takes about a second.
const startTimeout = 30 * time.Second

// run runs the demo until the context or its time ends. Whatever it started has stopped when it returns, the autoscaler first and
// Kafka last. That it was told to end is no error.
func run(ctx context.Context, s settings, show display) (err error) {
	began := time.Now()
	dir, err := os.MkdirTemp("", "kafka-lag-adapter-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the certificates of the run: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	certificates, err := newAccess(dir)
	if err != nil {
		return err
	}
	load, err := traffic.Start(traffic.Config{
		Topic: topic, Partitions: s.partitions, Group: group, Rate: s.rate, ConsumerRate: s.consumerRate,
		Logger: slog.New(slog.NewJSONHandler(newLogReader("traffic").follow(show), nil)),
	}, s.autoscaler.Min)
	if err != nil {
		return err
	}
	defer load.Close()

	startCtx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("the demo was not ready within %s", startTimeout))
	defer cancel()
	adapter, err := startAdapter(startCtx, load.Brokers(), s.pollInterval, certificates, workload{load.Consumers})
	if err != nil {
		return endOf(ctx, err)
	}
	defer func() { err = errors.Join(err, adapter.Stop()) }()
	httpClient := certificates.client(certificates.autoscaler)
	defer httpClient.CloseIdleConnections()
	metrics, err := newMetricsClient(adapter.apiURL, httpClient)
	if err != nil {
		return err
	}
	refused, err := prove(startCtx, adapter, metrics, certificates)
	if err != nil {
		return endOf(ctx, err)
	}
	if err := show.Print(introduction(s, load.Brokers(), adapter, certificates, refused, time.Since(began))); err != nil {
		return fmt.Errorf("write to the terminal: %w", err)
	}
	adapter.log.follow(show) // not before: that strangers are refused is logged as an error
	return newLoop(load, metrics, s.autoscaler, show).run(ctx, s.sync, s.length, adapter.done)
}

// prove waits until the metrics API answers, and checks that it does so only to the autoscaler. It reports who is refused.
func prove(ctx context.Context, adapter *lagAdapter, metrics *metricsClient, certificates *access) (string, error) {
	if err := ready(ctx, adapter, metrics); err != nil {
		return "", err
	}
	return certificates.check(ctx, adapter.apiURL+podsPath)
}

// endOf is the error of a start, unless it failed because the demo was told to end.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// ready waits for the first answer of the metrics API.
func ready(ctx context.Context, adapter *lagAdapter, metrics *metricsClient) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		_, err := metrics.lag()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; the metrics API last said: %w; the end of the adapter's log:\n%s", context.Cause(ctx), err, adapter.log.end())
		case <-adapter.done:
			return errors.New("the adapter ended before it answered")
		case <-ticker.C:
		}
	}
}
