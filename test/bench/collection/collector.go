package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// collectorRole is the part of the product that is measured.
type collectorRole struct {
	reader *kafka.Reader
	// prev is the snapshot before current, which readers may still use.
	prev, current *lag.Snapshot
	handler       *exporter.Handler
	meter         meter
}

// Snapshots makes it the source of /metrics.
func (c *collectorRole) Snapshots() []*lag.Snapshot { return []*lag.Snapshot{c.current} }

func (c *collectorRole) do(cmd command) (r reply, err error) {
	switch cmd.Do {
	case doStart:
		// The program's own timeout is 0.9 of its interval. Here nothing may end early, however slow the machine.
		c.reader, err = kafka.NewReader(kafka.Config{Cluster: "bench", Brokers: cmd.Addresses, Timeout: time.Minute, SlowEvery: cmd.SlowEvery})
		c.handler = exporter.New(c, prometheus.NewRegistry(), time.Minute, slog.New(slog.DiscardHandler))
	case doCollect:
		return c.measured(1, func(ctx context.Context) *lag.Observation { return c.reader.Read(ctx, c.current) })
	case doHot:
		return c.measured(cmd.Times, func(ctx context.Context) *lag.Observation { return c.reader.ReadGroups(ctx, c.current, cmd.Groups) })
	case doScrape:
		return c.scrape()
	case doCheck:
		return c.check()
	case doMemory:
		r.LiveMiB = liveMiB()
		r.PeakMiB, err = peakMiB()
	default:
		err = fmt.Errorf("the collector cannot %q", cmd.Do)
	}
	return r, err
}

// measured reads and computes.
func (c *collectorRole) measured(times int, read func(context.Context) *lag.Observation) (reply, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var total, compute sample
	for range times {
		began := time.Now()
		obs := read(ctx)
		readFor := time.Since(began)
		reading, err := c.meter.lap(readFor, 0)
		if err != nil {
			return reply{}, err
		}
		began = time.Now()
		c.prev, c.current = c.current, lag.Compute(c.current, obs, nil)
		computing, err := c.meter.lap(time.Since(began), 0)
		if err != nil {
			return reply{}, err
		}
		total, compute = total.plus(reading).plus(computing), compute.plus(computing)
	}
	return reply{Sample: total, Part: compute}, nil
}

// check counts the rows that were read, and fails if something was not.
func (c *collectorRole) check() (r reply, err error) {
	if c.current == nil {
		return r, errNothingRead
	}
	if err := c.current.MetadataErr; err != nil {
		return r, err
	}
	if err := c.current.ListingErr; err != nil {
		return r, err
	}
	rows := 0
	for _, g := range c.current.Groups {
		if g.Err != nil {
			return r, fmt.Errorf("group %q: %w", g.Name, g.Err)
		}
		for i := range g.Topics {
			if err := g.Topics[i].Err; err != nil {
				return r, fmt.Errorf("group %q: %w", g.Name, err)
			}
			rows += len(g.Topics[i].Partitions)
		}
	}
	_, err = c.meter.lap(0, 0)
	return reply{Sample: sample{Rows: rows}}, err
}

// scrape encodes /metrics as Prometheus asks for it.
func (c *collectorRole) scrape() (r reply, err error) {
	if c.current == nil {
		return r, errNothingRead
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "/metrics", http.NoBody)
	if err != nil {
		return r, err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	out := discard{header: http.Header{}}
	began := time.Now()
	c.handler.ServeHTTP(&out, req)
	r.Bytes = out.bytes
	r.Sample, err = c.meter.lap(time.Since(began), 0)
	return r, err
}

// discard is a client that reads and counts.
type discard struct {
	header http.Header
	bytes  int
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(int)     {}
func (d *discard) Write(p []byte) (int, error) {
	d.bytes += len(p)
	return len(p), nil
}
