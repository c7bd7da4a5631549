package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sample is what some work has cost a process.
type sample struct {
	CPU, Wall time.Duration // CPU is user and system, of all threads
	Mallocs   uint64
	Rows      int // what came out, to see that it is what was asked for
}

func (s sample) plus(other sample) sample {
	return sample{CPU: s.CPU + other.CPU, Wall: s.Wall + other.Wall, Mallocs: s.Mallocs + other.Mallocs, Rows: other.Rows}
}

func (s sample) over(n int) sample {
	return sample{CPU: s.CPU / time.Duration(n), Wall: s.Wall / time.Duration(n), Mallocs: s.Mallocs / uint64(n), Rows: s.Rows}
}

// meter measures from one call of lap to the next. What the garbage collector still does after some work, the next lap has: the process
// does nothing else, and over several laps nothing is missed.
type meter struct {
	cpu     time.Duration
	mallocs uint64
}

func (m *meter) lap(wall time.Duration, rows int) (sample, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return sample{}, fmt.Errorf("getrusage: %w", err)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	cpu := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	s := sample{CPU: cpu - m.cpu, Wall: wall, Mallocs: memory.Mallocs - m.mallocs, Rows: rows}
	m.cpu, m.mallocs = cpu, memory.Mallocs
	return s, nil
}

// peakMiB reads VmHWM: the most memory that the process has ever had resident.
func peakMiB() (float64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(status), "\n") {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			kib, err := strconv.ParseFloat(fields[1], 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("no VmHWM in /proc/self/status")
}

// liveMiB is the heap that is still in use after a collection.
func liveMiB() float64 {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return float64(memory.HeapAlloc) / (1 << 20)
}
