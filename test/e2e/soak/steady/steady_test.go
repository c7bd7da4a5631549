package steady

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"
)

const cycles = 20

// run makes the samples of a run with as many cycles, each of some steps in which a process holds other amounts. held changes what it
// holds.
func run(held func(cycle int, m Measure, value float64) float64) []Sample {
	var samples []Sample
	for cycle := range cycles {
		for i, step := range []string{"a broker hangs", "nothing", "connections are reset"} {
			for n := range 5 {
				s := Sample{At: time.Unix(int64(cycle*100+i*10+n), 0), Cycle: cycle, Step: step, Program: "lag-exporter", Known: n != 4, Held: map[Measure]float64{}}
				for j, m := range Measures() {
					s.Held[m] = held(cycle, m, float64(100*(j+1)+10*i)+float64(n%2))
				}
				samples = append(samples, s)
			}
		}
	}
	return samples
}

func judge(t *testing.T, samples []Sample) error {
	t.Helper()
	v, err := Judge(samples, cycles)
	if err != nil {
		t.Fatal(err)
	}
	return v.Err(0.05)
}

func TestSteadyRunIsAccepted(t *testing.T) {
	samples := run(func(cycle int, _ Measure, value float64) float64 {
		if cycle < 2 {
			return value / 2 // to warm up
		}
		return value
	})
	for i := range samples { // a peak now and then is no leak
		if i%7 == 0 {
			samples[i].Held[Connections] *= 3
		}
	}
	if err := judge(t, samples); err != nil {
		t.Error(err)
	}
}

// TestLeakIsFound has each measure in turn grow by half a per cent in each cycle.
func TestLeakIsFound(t *testing.T) {
	for _, leaking := range Measures() {
		err := judge(t, run(func(cycle int, m Measure, value float64) float64 {
			if m == leaking {
				value *= 1 + 0.005*float64(cycle)
			}
			return value
		}))
		if err == nil || !strings.Contains(err.Error(), "lag-exporter: "+string(leaking)+":") || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s leaks, and the judgement is: %v", leaking, err)
		}
	}
}

// TestLossIsFound has something go away: it was not the same that ran.
func TestLossIsFound(t *testing.T) {
	err := judge(t, run(func(cycle int, m Measure, value float64) float64 {
		if m == Series && cycle > cycles/2 {
			return 0
		}
		return value
	}))
	if err == nil || !strings.Contains(err.Error(), "series") {
		t.Errorf("all series went, and the judgement is: %v", err)
	}
}

// TestBusyMachineIsNoLeak has brokers answer late at first, for the machine is busy, and well at last. Connections and series are fewer
// while they do; heap that only then is more is found all the same.
func TestBusyMachineIsNoLeak(t *testing.T) {
	same := func(_ int, _ Measure, value float64) float64 { return value }
	samples := run(same)
	for i := range samples {
		s := &samples[i]
		if busy := s.Cycle < cycles/2 && i%3 > 0; busy {
			s.Known = false
		}
		if !s.Known {
			s.Held[Connections], s.Held[Series] = s.Held[Connections]/2, s.Held[Series]/9
		}
	}
	if err := judge(t, samples); err != nil {
		t.Error(err)
	}
	for i := range samples {
		if s := &samples[i]; !s.Known {
			s.Held[Heap] *= 1 + float64(s.Cycle)/10
		}
	}
	if err := judge(t, samples); err == nil || !strings.Contains(err.Error(), "heap") {
		t.Errorf("the heap grows while not everything is known, and the judgement is: %v", err)
	}
}

func TestNothingIsSaidOfTooLittle(t *testing.T) {
	same := func(_ int, _ Measure, value float64) float64 { return value }
	if v, err := Judge(run(same), 3); err == nil {
		t.Errorf("of 3 cycles: %+v", v)
	}
	var without []Sample
	for _, s := range run(same) {
		if s.Cycle < cycles-2 {
			without = append(without, s)
		}
	}
	if v, err := Judge(without, cycles); err == nil {
		t.Errorf("without samples of the last cycles: %+v", v)
	}
}

func TestWhatIsNoNumberIsNotSteady(t *testing.T) {
	err := judge(t, run(func(cycle int, m Measure, value float64) float64 {
		if m == Heap && cycle < cycles/2 {
			return 0
		}
		return value
	}))
	if err == nil || !strings.Contains(err.Error(), "heap") {
		t.Errorf("there was no heap at first, and the judgement is: %v", err)
	}
}

func TestSamplesAreWritten(t *testing.T) {
	var file bytes.Buffer
	if err := WriteHeader(&file); err != nil {
		t.Fatal(err)
	}
	s := Sample{At: time.Unix(0, 0), Cycle: 3, Step: "topics, changed", Program: "lag-adapter", Known: true, Held: map[Measure]float64{Heap: 1e9, Series: 7}}
	if err := s.Write(&file); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&file).ReadAll()
	if err != nil || len(lines) != 2 {
		t.Fatalf("%v, %v", lines, err)
	}
	want := "1970-01-01T00:00:00.000Z|3|topics, changed|lag-adapter|true|1000000000|0|0|0|0|7"
	if got := strings.Join(lines[1], "|"); got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

func TestPageTakesTheNewResult(t *testing.T) {
	v, err := Judge(run(func(_ int, _ Measure, value float64) float64 { return value }), cycles)
	if err != nil {
		t.Fatal(err)
	}
	page := "before\n" + Begins + "\nold\n" + Ends + "\nafter\n"
	got, err := Replace(page, v.Table())
	if err != nil || strings.Contains(got, "old") || !strings.HasPrefix(got, "before\n") || !strings.HasSuffix(got, "\nafter\n") ||
		!strings.Contains(got, "| lag-exporter | goroutines | 310.5 | 310.5 | +0.0 % |") {
		t.Errorf("%v: %s", err, got)
	}
	if _, err := Replace("a page without", v.Table()); err == nil {
		t.Error("a page without a place for it is accepted")
	}
}
