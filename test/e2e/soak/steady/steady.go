// Package steady judges whether what a process holds stays the same while the
// same things happen to it again and again.
package steady

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Measure is something that a process holds.
type Measure string

// What is measured. Heap is the size at which the next garbage collection is due, which follows from what the last one found in use,
// and so does not depend on how long ago that was.
const (
	Heap        Measure = "heap"
	RSS         Measure = "resident memory"
	Goroutines  Measure = "goroutines"
	Descriptors Measure = "file descriptors"
	Connections Measure = "TCP connections"
	Series      Measure = "series"
)

// Measures are all, in the order in which they are shown.
func Measures() []Measure {
	return []Measure{Heap, RSS, Goroutines, Descriptors, Connections, Series}
}

// whole says whether the measure counts only of samples that were taken while the program knew everything. What else it takes of
// connections, and waits for, goes by how many brokers do not answer at the moment, which goes by how busy the machine is.
func (m Measure) whole() bool { return m != Heap && m != RSS }

// Sample is what a program held at a time.
type Sample struct {
	At      time.Time
	Cycle   int    // which turn of the schedule
	Step    string // of it
	Program string
	Known   bool // it knew all there was to know
	Held    map[Measure]float64
}

// Change is what a program held of something in the first cycles and in the last ones.
type Change struct {
	Program     string
	Measure     Measure
	First, Last float64
}

// Relative is the change in relation to what there was at first.
func (c Change) Relative() float64 {
	if c.First == c.Last {
		return 0
	}
	return (c.Last - c.First) / c.First
}

// String tells the change.
func (c Change) String() string {
	return fmt.Sprintf("%s: %s: %s at first, %s at last (%+.1f %%)", c.Program, c.Measure, c.Measure.text(c.First), c.Measure.text(c.Last), 100*c.Relative())
}

func (m Measure) text(value float64) string {
	if m == Heap || m == RSS {
		return fmt.Sprintf("%.1f MiB", value/(1<<20))
	}
	return fmt.Sprintf("%.1f", value)
}

// Verdict is a comparison of a run's first tenth with its last.
type Verdict struct {
	Cycles  int // whole ones
	WarmUp  int // of those, the first, which do not count
	Tenth   int // how many are compared with as many
	Samples int
	Changes []Change
}

// tenths is in how many parts a run is divided.
const tenths = 10

// Judge compares the first tenth of a run's cycles, after as many more to warm up, with the last tenth, like with like: the medians of
// the samples of the same step that were taken in the same state, and then the mean of them, each by how many samples there are in
// both tenths.
func Judge(samples []Sample, cycles int) (Verdict, error) {
	tenth := (cycles + tenths - 1) / tenths
	v := Verdict{Cycles: cycles, WarmUp: max(tenth, 2), Tenth: tenth, Samples: len(samples)}
	if v.WarmUp+2*tenth > cycles {
		return v, fmt.Errorf("%d cycles are too few to compare the first with the last: %d are to warm up", cycles, v.WarmUp)
	}
	var programs []string
	for _, s := range samples {
		if !slices.Contains(programs, s.Program) {
			programs = append(programs, s.Program)
		}
	}
	slices.Sort(programs)
	for _, program := range programs {
		for _, m := range Measures() {
			change := Change{Program: program, Measure: m}
			first := phases(samples, program, m, v.WarmUp, v.WarmUp+tenth)
			if err := change.compare(first, phases(samples, program, m, cycles-tenth, cycles)); err != nil {
				return v, err
			}
			v.Changes = append(v.Changes, change)
		}
	}
	return v, nil
}

// phase is a state in which a program is once in each cycle.
type phase struct {
	step  string
	known bool
}

// phases are what a program held in the cycles from begin to end.
func phases(samples []Sample, program string, m Measure, begin, end int) map[phase][]float64 {
	all := map[phase][]float64{}
	for _, s := range samples {
		if s.Program == program && s.Cycle >= begin && s.Cycle < end && (s.Known || !m.whole()) {
			p := phase{s.Step, s.Known}
			all[p] = append(all[p], s.Held[m])
		}
	}
	return all
}

// compare sets what was held by the phases that there are in both.
func (c *Change) compare(first, last map[phase][]float64) error {
	total := 0
	for p, before := range first {
		after := last[p]
		if n := min(len(before), len(after)); n > 0 {
			c.First += float64(n) * median(before)
			c.Last += float64(n) * median(after)
			total += n
		}
	}
	if total == 0 {
		return fmt.Errorf("of %s of %s there is nothing to compare in the first and the last cycles", c.Measure, c.Program)
	}
	c.First /= float64(total)
	c.Last /= float64(total)
	return nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// Err names what has changed by more than the limit, which is in relation to what there was at first.
func (v Verdict) Err(limit float64) error {
	var errs []error
	for _, c := range v.Changes {
		if r := c.Relative(); math.IsNaN(r) || math.Abs(r) > limit {
			errs = append(errs, fmt.Errorf("not steady within %g %%: %s", 100*limit, c))
		}
	}
	return errors.Join(errs...)
}

// Table is the verdict as a table in Markdown.
func (v Verdict) Table() string {
	var text strings.Builder
	text.WriteString("| program | what | first tenth | last tenth | change |\n|---|---|---|---|---|\n")
	for _, c := range v.Changes {
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %+.1f %% |\n", c.Program, c.Measure, c.Measure.text(c.First), c.Measure.text(c.Last), 100*c.Relative())
	}
	return text.String()
}
