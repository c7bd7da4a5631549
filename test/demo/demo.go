package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/demo/hpa"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/demo/traffic"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/demo/view"
)

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
	if err := ready(startCtx, adapter, metrics); err != nil {
		return endOf(ctx, err)
	}
	refused, err := certificates.check(startCtx, adapter.apiURL+podsPath)
	if err != nil {
		return endOf(ctx, err)
	}
	if err := show.Print(introduction(s, load.Brokers(), adapter, certificates, refused, time.Since(began))); err != nil {
		return fmt.Errorf("write to the terminal: %w", err)
	}
	adapter.log.follow(show) // not before: that strangers are refused is logged as an error
	if s.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.length)
		defer cancel()
	}
	loop := &loop{traffic: load, metrics: metrics, autoscaler: hpa.New(s.autoscaler), show: show, start: time.Now()}
	return loop.run(ctx, s.sync, adapter.done)
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

// loop asks for the lag and sizes the consumers, again and again.
type loop struct {
	traffic    *traffic.Traffic
	metrics    *metricsClient
	autoscaler *hpa.Autoscaler
	show       display
	start      time.Time

	last     traffic.Totals // at the last sync
	lastSync time.Time
	syncs    int
	errors   int
	most     int // replicas
}

// run ends with the context, or when the adapter has ended, which is then reported by who stops it.
func (l *loop) run(ctx context.Context, interval time.Duration, adapterDone <-chan struct{}) error {
	l.lastSync, l.last = l.start, l.traffic.Totals()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-adapterDone:
		case <-ctx.Done():
		case <-ticker.C:
		}
		if ctx.Err() != nil || ended(adapterDone) { // they come first: the adapter takes the same signals
			return l.show.Print(l.summary())
		}
		row, err := l.sync(time.Now())
		if err != nil {
			return err
		}
		if err := l.show.Show(row); err != nil {
			return fmt.Errorf("write to the terminal: %w", err)
		}
	}
}

func ended(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// sync is one look at the metrics API and what follows from it.
func (l *loop) sync(now time.Time) (view.Row, error) {
	pods, totals := l.traffic.Consumers(), l.traffic.Totals()
	since := now.Sub(l.lastSync).Seconds()
	row := view.Row{
		Elapsed:  now.Sub(l.start),
		Produced: float64(totals.Produced-l.last.Produced) / since,
		Consumed: float64(totals.Consumed-l.last.Consumed) / since,
		Lag:      totals.Lag(),
		Before:   len(pods), After: len(pods),
	}
	l.last, l.lastSync = totals, now
	values, err := l.metrics.lag()
	if err == nil {
		row.After, err = l.autoscaler.Replicas(now, pods, values)
	}
	row.Err, row.Pods = err, len(values)
	for _, value := range values {
		row.Sum += value
	}
	l.syncs++
	if err != nil {
		l.errors++
	}
	l.most = max(l.most, row.After)
	if err := l.traffic.Resize(row.After); err != nil {
		return row, fmt.Errorf("scale from %d to %d consumers: %w", row.Before, row.After, err)
	}
	return row, nil
}
