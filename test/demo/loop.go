package main

import (
	"context"
	"fmt"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/demo/hpa"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/demo/traffic"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/demo/view"
)

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

func newLoop(load *traffic.Traffic, metrics *metricsClient, spec hpa.Spec, show display) *loop {
	now := time.Now()
	return &loop{traffic: load, metrics: metrics, autoscaler: hpa.New(spec), show: show, start: now, lastSync: now, last: load.Totals()}
}

// run ends with the context, after the length if it is not 0, or when the adapter has ended, which is then reported by who stops it.
func (l *loop) run(ctx context.Context, interval, length time.Duration, adapterDone <-chan struct{}) error {
	if length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, length)
		defer cancel()
	}
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

func (l *loop) summary() string {
	return fmt.Sprintf("\nIn %s: %d records produced and %d consumed; the metrics API was asked %d times, with %d errors; the most replicas were %d. Stopping.\n",
		time.Since(l.start).Round(time.Second), l.last.Produced, l.last.Consumed, l.syncs, l.errors, l.most)
}
