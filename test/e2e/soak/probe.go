package soak

import (
	"context"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/soak/steady"
)

// sample measures what a program holds.
func (w *world) sample(ctx context.Context, program string) (steady.Sample, error) {
	s := steady.Sample{At: time.Now(), Program: program}
	text, err := w.visitor.metrics(ctx, w.urls()[program])
	if err != nil {
		return s, err
	}
	now, err := series.Parse(text)
	if err != nil {
		return s, err
	}
	connections, err := proc.CountConnections(w.pids()[program])
	s.Known = w.unknown(text) == nil
	s.Held = map[steady.Measure]float64{
		steady.Heap:        now[series.Name("go_memstats_next_gc_bytes")],
		steady.RSS:         now[series.Name("process_resident_memory_bytes")],
		steady.Goroutines:  now[series.Name("go_goroutines")],
		steady.Descriptors: now[series.Name("process_open_fds")],
		steady.Connections: float64(connections),
		steady.Series:      float64(len(now)),
	}
	return s, err
}

// sampler samples what the programs hold, until its context ends.
func (r *run) sampler(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, program := range []string{adapterName, exporterName} {
			cycle, step := r.now()
			s, err := r.world.sample(ctx, program)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				r.complain("measuring "+program+": "+err.Error(), cycle, step)
				continue
			}
			s.Cycle, s.Step = cycle, step
			r.keep(s)
		}
	}
}
