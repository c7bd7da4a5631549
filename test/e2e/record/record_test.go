package record

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// step is a change of a quantity; history is all of them, in order.
type step struct{ at, value int64 }
type history []step

func (h history) value(at int64) int64 {
	var v int64
	for _, s := range h {
		if s.at > at {
			break
		}
		v = s.value
	}
	return v
}

// world is an exactly known life of a group in a partition, in milliseconds from 0 to length.
type world struct {
	length             int64
	end, start, commit history
	lines              []line
}

type line struct {
	answered int64
	text     string
}

// newWorld lets records be produced, consumed and deleted in bursts with rests between, and the commit be reset now and then.
func newWorld(random *rand.Rand) *world {
	w := &world{length: 60_000}
	var end, start, commit int64
	quietUntil := int64(0)
	for at := int64(0); at < w.length; at += random.Int64N(120) {
		if at < quietUntil {
			continue
		}
		switch random.IntN(40) {
		case 0:
			quietUntil = at + 6000 // far longer than between two readings
		case 1:
			start += random.Int64N(end - start + 1)
			w.start = append(w.start, step{at, start})
		case 2: // a reset, with readings of what was before and of what is after
			at += 8000
			commit = random.Int64N(commit + 1)
			w.commit = append(w.commit, step{at, commit})
			quietUntil = at + 8000
		default:
			if random.IntN(2) == 0 {
				end += random.Int64N(50)
				w.end = append(w.end, step{at, end})
			} else if end > commit {
				commit += random.Int64N(end - commit + 1)
				w.commit = append(w.commit, step{at, commit})
			}
		}
	}
	return w
}

// record reads the world as the recorder does: mostly at once, sometimes slowly, sometimes not at all for a while.
func (w *world) record(random *rand.Rand) {
	w.line(0, 1, "g", ".", "group=Classic")
	w.line(0, 1, "t", ".", "topic=A")
	w.line(w.length, w.length+1, "g", ".", "")
	w.line(w.length, w.length+1, "t", ".", "")
	for kind, of := range map[string]*history{"c": &w.commit, "h": &w.end, "s": &w.start} {
		blind := int64(0)
		for at := int64(0); at < w.length; at += 500 {
			if random.IntN(25) == 0 {
				blind = at + 1500
			}
			if at < blind {
				continue
			}
			answered := at + 1 + random.Int64N(20)
			if random.IntN(10) == 0 {
				answered = at + 1 + random.Int64N(2500)
			}
			read := at + random.Int64N(answered-at)
			entry, name := "0", "topic"
			if kind == "c" {
				entry, name = "topic/0", "group"
			}
			w.line(at, answered, kind, name, fmt.Sprintf("%s=%d", entry, of.value(read)))
		}
	}
}

func (w *world) line(asked, answered int64, kind, name, entries string) {
	w.lines = append(w.lines, line{answered, strings.TrimSpace(fmt.Sprintf("%s %d %d %s %s", kind, asked, answered, name, entries))})
}

func (w *world) read(t *testing.T) *Record {
	t.Helper()
	slices.SortStableFunc(w.lines, func(a, b line) int { return int(a.answered - b.answered) })
	var text strings.Builder
	for _, l := range w.lines {
		text.WriteString(l.text + "\n")
	}
	r, err := Read(strings.NewReader(text.String() + "end\n"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w *world) lag(commitAt, endAt int64) int64 {
	return max(w.end.value(endAt)-max(w.commit.value(commitAt), w.start.value(commitAt)), 0)
}

// quiet says that nothing happened for a time.
func (w *world) quiet(from, to int64) bool {
	for _, h := range []history{w.end, w.start, w.commit} {
		for _, s := range h {
			if from <= s.at && s.at <= to {
				return false
			}
		}
	}
	return true
}

// TestRangesAreSound: whatever is read in the right order within a time is in the range for that time.
func TestRangesAreSound(t *testing.T) {
	judged, tight, width := 0, 0, int64(0)
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7))
		w := newWorld(random)
		w.record(random)
		r := w.read(t)
		for range 400 {
			from := random.Int64N(w.length - 5000)
			to := from + random.Int64N(5000)
			commitAt := from + random.Int64N(to-from+1)
			endAt := commitAt + random.Int64N(to-commitAt+1)
			lag := w.lag(commitAt, endAt)
			got := r.Lag("group", "topic", 0, Policy{}, time.UnixMilli(from), time.UnixMilli(to))
			if !got.Known {
				if from > 6000 && to < w.length-6000 { // far enough from both ends of the record
					t.Fatalf("seed %d: the range of [%d, %d] is not known", seed, from, to)
				}
				continue
			}
			judged++
			width += got.Hi - got.Lo
			if !got.Contains(lag) {
				t.Fatalf("seed %d: a lag of %d, commit read at %d and end at %d, is not in %+v of [%d, %d]", seed, lag, commitAt, endAt, got, from, to)
			}
			if w.quiet(from-5000, to+5000) && got.Known {
				tight++
				if got.Lo != lag || got.Hi != lag {
					t.Fatalf("seed %d: nothing changed around [%d, %d], but the range is %+v and not %d", seed, from, to, got, lag)
				}
			}
		}
	}
	t.Logf("%d ranges, %d records wide on average; %d of them in quiet times", judged, width/int64(judged), tight)
	if judged < 10_000 || tight < 100 {
		t.Errorf("%d ranges and %d in quiet times are too few to tell", judged, tight)
	}
}

func read(t *testing.T, lines ...string) *Record {
	t.Helper()
	r, err := Read(strings.NewReader(strings.Join(append(lines, "end"), "\n") + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// here is a group and a topic that are there from 0 to 100 s.
func here(more ...string) []string {
	return append([]string{
		"g 0 1 . g=Classic", "t 0 1 . t=A", "g 100000 100001 .", "t 100000 100001 .",
		"s 0 1 t 0=0", "s 100000 100001 t 0=0",
	}, more...)
}

func TestRanges(t *testing.T) {
	second := func(s float64) time.Time { return time.UnixMilli(int64(s * 1000)) }
	for name, c := range map[string]struct {
		lines    []string
		policy   Policy
		from, to float64
		want     Range
	}{
		"steady": {here("h 0 1 t 0=10", "c 0 1 g t/0=4", "h 5000 5001 t", "c 5000 5001 g"), Policy{}, 1, 3, Range{Lo: 6, Hi: 6, Known: true}},
		"steadily moving: what ends read before commits give is too little": {
			// Produced and consumed at the same rate: at each instant, the lag is 100.
			here("h 0 1 t 0=100", "c 0 1 g t/0=0", "h 500 501 t 0=200", "c 500 501 g t/0=100", "h 1000 1001 t 0=300", "c 1000 1001 g t/0=200",
				"h 1500 1501 t 0=400", "c 1500 1501 g t/0=300", "h 2000 2001 t 0=500", "c 2000 2001 g t/0=400"),
			Policy{}, 0.6, 1.9, Range{Lo: 0, Hi: 400, Known: true},
		},
		"nothing after":  {here("h 0 1 t 0=10", "c 0 1 g t/0=4"), Policy{}, 1, 3, Range{}},
		"nothing before": {here("h 5000 5001 t 0=10", "c 5000 5001 g t/0=4"), Policy{}, 1, 3, Range{}},
		"between two readings of the same value that are still under way at the ends": {here("c 0 1 g t/0=0", "c 9000 9001 g", "h 0 1 t 0=5", "h 900 1100 t", "h 1200 1201 t 0=6", "h 2900 3100 t", "h 3500 3501 t 0=7"), Policy{}, 1, 3, Range{Lo: 5, Hi: 7, Known: true}},
		"a run that begins before and is still being read at the beginning":           {here("c 0 1 g t/0=0", "c 9000 9001 g", "h 0 1 t 0=5", "h 900 1100 t", "h 1200 1201 t 0=6", "h 4000 4001 t"), Policy{}, 1, 3, Range{Lo: 5, Hi: 6, Known: true}},
		"a gap is bounded by its ends":                                                {here("h 0 1 t 0=10", "c 0 1 g t/0=4", "h 10 11 t !Timeout", "h 90000 90001 t 0=30", "c 90000 90001 g"), Policy{}, 40, 41, Range{Lo: 6, Hi: 26, Known: true}},
		"a partition that could not be read":                                          {here("h 0 1 t 0=10", "c 0 1 g t/0=4", "h 10 11 t 0=!", "h 90000 90001 t 0=30", "c 90000 90001 g"), Policy{}, 40, 41, Range{Lo: 6, Hi: 26, Known: true}},
		"a reset says nothing":                                                        {here("h 0 1 t 0=10", "c 0 1 g t/0=9", "h 5000 5001 t", "c 5000 5001 g t/0=2"), Policy{}, 1, 3, Range{Lo: 0, Hi: 10, Known: true}},
		"no commit":                                                                   {here("h 0 1 t 0=10", "c 0 1 g", "h 5000 5001 t", "c 5000 5001 g"), Policy{}, 1, 3, Range{Lo: 0, Hi: 0, Known: true}},
		"no commit, from the start":                                                   {here("h 0 1 t 0=10", "c 0 1 g", "h 5000 5001 t", "c 5000 5001 g"), Policy{Earliest: true}, 1, 3, Range{Lo: 10, Hi: 10, Known: true}},
		"a first commit":                                                              {here("h 0 1 t 0=10", "c 0 1 g", "h 5000 5001 t", "c 5000 5001 g t/0=7"), Policy{}, 1, 3, Range{Lo: 0, Hi: 3, Known: true}},
		"a commit before the log's start":                                             {[]string{"g 0 1 . g=Classic", "t 0 1 . t=A", "s 0 1 t 0=6", "h 0 1 t 0=10", "c 0 1 g t/0=4", "g 9000 9001 .", "t 9000 9001 .", "s 9000 9001 t", "h 9000 9001 t", "c 9000 9001 g"}, Policy{}, 1, 3, Range{Lo: 4, Hi: 4, Known: true}},
		"the last stable offset":                                                      {here("h 0 1 t 0=10", "l 0 1 t 0=7", "c 0 1 g t/0=4", "h 5000 5001 t", "l 5000 5001 t", "c 5000 5001 g"), Policy{Committed: true}, 1, 3, Range{Lo: 3, Hi: 3, Known: true}},
		"a commit beyond the log's end":                                               {here("h 0 1 t 0=10", "c 0 1 g t/0=14", "h 5000 5001 t", "c 5000 5001 g"), Policy{}, 1, 3, Range{Known: true, Never: true}},
		"a share group that is just gone":                                             {here("h 0 1 t 0=10", "c 0 1 g t/0=4:5", "c 2000 2001 g t/0=", "h 5000 5001 t", "c 5000 5001 g"), Policy{Share: true, Earliest: true}, 1, 3, Range{Lo: 4, Hi: 10, Known: true}},
		"a share group that is just known":                                            {here("h 0 1 t 0=10", "c 0 1 g", "c 2000 2001 g t/0=4:5", "h 5000 5001 t", "c 5000 5001 g"), Policy{Share: true, Earliest: true}, 1, 3, Range{Lo: 4, Hi: 10, Known: true}},
		"a share group that is counted again":                                         {here("h 0 1 t 0=10", "c 0 1 g t/0=0:9", "c 1000 1001 g t/0=", "c 4000 4500 g t/0=0:13", "h 4400 4450 t 0=14", "h 5000 5001 t", "c 5000 5001 g"), Policy{Share: true, Earliest: true}, 3, 5, Range{Lo: 9, Hi: 14, Known: true}},
		"a share group":                                                               {here("h 0 1 t 0=10", "c 0 1 g t/0=4:5", "h 5000 5001 t", "c 5000 5001 g"), Policy{Share: true}, 1, 3, Range{Lo: 5, Hi: 5, Known: true}},
		"a group that is gone":                                                        {[]string{"g 0 1 . g=Classic", "g 1000 1001 . g=", "g 9000 9001 .", "t 0 1 . t=A", "t 9000 9001 ."}, Policy{}, 2, 3, Range{Known: true, Never: true}},
		"a group that was not there yet":                                              {[]string{"g 0 1 .", "g 5000 5001 . g=Classic", "g 9000 9001 .", "t 0 1 . t=A", "t 9000 9001 ."}, Policy{}, -1, 0, Range{}},
		"of two slow readings, either may be the last":                                {here("c 0 1 g t/0=0", "h 0 10 t 0=1", "h 200 700 t 0=5", "h 100 900 t 0=3", "h 9000 9001 t 0=9", "c 9000 9001 g"), Policy{}, 1, 2, Range{Lo: 3, Hi: 9, Known: true}},
		"of two slow readings, either may be the next":                                {here("c 0 1 g t/0=0", "h 0 10 t 0=1", "h 3000 3900 t 0=3", "h 3100 3200 t 0=5", "h 9000 9001 t 0=9", "c 9000 9001 g"), Policy{}, 1, 2, Range{Lo: 1, Hi: 5, Known: true}},
		"a new group on a new topic, of which only the ends were read":                {[]string{"g 0 1 .", "g 2000 2001 . g=Classic", "g 9000 9001 .", "t 0 1 .", "t 2000 2001 . t=A", "t 9000 9001 .", "s 0 1 t", "s 2000 2001 t 0=0", "s 9000 9001 t", "h 0 1 t", "h 2000 2001 t 0=30", "h 9000 9001 t", "c 5000 5001 g t/0=25", "c 9000 9001 g"}, Policy{}, 1, 3, Range{}},
		"a topic made anew, with more records":                                        {[]string{"g 0 1 . g=Classic", "g 9000 9001 .", "t 0 1 . t=A", "t 5000 5001 . t=B", "t 9000 9001 .", "s 0 1 t 0=0", "h 0 1 t 0=10", "c 0 1 g t/0=2", "h 9000 9001 t 0=14", "c 9000 9001 g", "s 9000 9001 t"}, Policy{}, 1, 3, Range{Lo: 0, Hi: 14, Known: true}},
		"a topic made anew begins at nothing":                                         {[]string{"g 0 1 . g=Classic", "g 9000 9001 .", "t 0 1 . t=A", "t 5000 5001 . t=B", "t 9000 9001 .", "s 0 1 t 0=0", "h 0 1 t 0=10", "c 0 1 g t/0=9", "h 9000 9001 t 0=4", "c 9000 9001 g", "s 9000 9001 t"}, Policy{}, 1, 3, Range{Lo: 0, Hi: 10, Known: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := read(t, c.lines...).Lag("g", "t", 0, c.policy, second(c.from), second(c.to)); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// TestSum: a partition that is added adds to the sum from when it is there, one beyond the end of its log makes the sum unknowable.
func TestSum(t *testing.T) {
	lines := here("h 0 1 t 0=10", "c 0 1 g t/0=4", "h 5000 5001 t", "c 5000 5001 g", "h 6000 6001 t 1=20", "s 6000 6001 t 1=0", "c 6000 6001 g",
		"h 7000 7001 t", "c 7000 7001 g t/1=5", "h 20000 20001 t", "c 20000 20001 g", "c 21000 21001 g t/1=50", "h 30000 30001 t", "c 30000 30001 g", "s 30000 30001 t")
	for _, c := range []struct {
		from, to int64
		want     Range
	}{
		{2000, 4000, Range{Lo: 6, Hi: 6, Known: true}}, {4000, 5500, Range{Lo: 6, Hi: 6, Known: true}}, {6100, 6900, Range{Lo: 6, Hi: 21, Known: true}}, {9000, 19000, Range{Lo: 21, Hi: 21, Known: true}},
		{22000, 29000, Range{Lo: 6, Hi: 6, Known: true, Never: true}},
	} {
		got := read(t, lines...).Sum("g", "t", Policy{}, time.UnixMilli(c.from), time.UnixMilli(c.to))
		if got != c.want {
			t.Errorf("from %d to %d: %+v, want %+v", c.from, c.to, got, c.want)
		}
	}
}

// TestIncomplete: a record that was cut off, or got too big, is none.
func TestIncomplete(t *testing.T) {
	for name, text := range map[string]string{
		"cut off": "g 0 1 . g=Classic\n", "too big": "g 0 1 . g=Classic\nfull\n", "not a record": "hello\nend\n", "empty": "",
		"an offset that is none": "h 0 1 t 0=x\nend\n", "an entry that is none": "h 0 1 t zero\nend\n", "a time that is none": "h a 1 t 0=1\nend\n",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
