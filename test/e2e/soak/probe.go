package soak

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/procfs"

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
	s.Known = w.unknown(text) == nil
	s.Held = map[steady.Measure]float64{
		steady.Heap:       now[series.Name("go_memstats_next_gc_bytes")],
		steady.Goroutines: now[series.Name("go_goroutines")],
		steady.Series:     float64(len(now)),
	}
	return s, ofProcess(w.pids()[program], s.Held)
}

// ofProcess adds what the kernel knows of a process.
func ofProcess(pid int, held map[steady.Measure]float64) error {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return err
	}
	stat, err := proc.Stat()
	if err != nil {
		return err
	}
	files, err := proc.FileDescriptorTargets()
	if err != nil {
		return err
	}
	sockets, err := tcpSockets()
	if err != nil {
		return err
	}
	open, connections := 0, 0
	for _, target := range files {
		if target != "" { // else it was closed meanwhile
			open++
		}
		if sockets[target] {
			connections++
		}
	}
	held[steady.RSS], held[steady.Descriptors], held[steady.Connections] = float64(stat.ResidentMemory()), float64(open), float64(connections)
	return nil
}

// tcpSockets are the TCP connections of this machine, by what /proc/PID/fd shows of them.
func tcpSockets() (map[string]bool, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return nil, err
	}
	four, err4 := fs.NetTCP()
	six, err6 := fs.NetTCP6()
	if err := errors.Join(err4, err6); err != nil {
		return nil, err
	}
	const listening = 0x0A
	sockets := map[string]bool{}
	for _, socket := range append(four, six...) {
		if socket.St != listening {
			sockets[fmt.Sprintf("socket:[%d]", socket.Inode)] = true
		}
	}
	return sockets, nil
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
