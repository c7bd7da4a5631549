package record

import (
	"slices"
	"sort"
)

// times are in microseconds since 1970. Those in the record are whole
// milliseconds, so between two of them there is always another.

// run is a value as read once, or several times in a row without another in
// between. Each reading happened at an unknown instant between its question and
// its answer, so what is known of a run are bounds: its first reading lies in
// [asked, first], its last in [last, answered].
type run struct {
	value                        int64
	none                         bool // there was no value, such as no commit
	asked, first, last, answered int64
}

// track is the history of one quantity. Between two readings a quantity moves
// in one direction only, if at all: so at any time it is within the values read
// around that time, and it is exactly the value that was read before and after.
type track struct {
	runs     []run
	reach    []int64 // reach[i] is the latest answered of runs[:i+1]; set by seal
	unsorted bool
}

// read adds a reading.
func (t *track) read(asked, answered, value int64, none bool) {
	if n := len(t.runs); n > 0 {
		r := &t.runs[n-1]
		if r.value == value && r.none == none {
			r.asked, r.first = min(r.asked, asked), min(r.first, answered)
			r.last, r.answered = max(r.last, asked), max(r.answered, answered)
			return
		}
		t.unsorted = t.unsorted || asked < r.asked
	}
	t.runs = append(t.runs, run{value: value, none: none, asked: asked, first: answered, last: asked, answered: answered})
}

// seal makes the track ready for questions.
func (t *track) seal() {
	slices.SortStableFunc(t.runs, func(a, b run) int { return int(a.asked - b.asked) })
	t.reach = make([]int64, len(t.runs))
	var latest int64
	for i, r := range t.runs {
		latest = max(latest, r.answered)
		t.reach[i] = latest
	}
}

// hull is what a quantity may have been during a time.
type hull struct {
	lo, hi int64
	some   bool // there may have been a value, which then was between lo and hi
	none   bool // there may have been none
	open   bool // the record does not reach so far: it may have been anything
	fell   bool // later values were smaller than earlier ones
}

func (h *hull) add(r run) {
	switch {
	case r.none:
		h.none = true
	case !h.some:
		h.lo, h.hi, h.some = r.value, r.value, true
	default:
		h.lo, h.hi = min(h.lo, r.value), max(h.hi, r.value)
	}
}

// during tells what the quantity may have been at any instant of [from, to].
func (t *track) during(from, to int64) hull {
	if t == nil {
		return hull{open: true}
	}
	after := sort.Search(len(t.runs), func(i int) bool { return t.runs[i].asked >= to })
	var h hull
	o := t.overlapping(&h, after, from, to)
	if !o.exactTo {
		h.open = !t.next(&h, after, o)
	}
	if !o.exactFrom {
		h.open = !t.previous(&h, from, o) || h.open
	}
	h.fell = h.some && h.lo < h.hi && t.falls(o.before, after)
	return h
}

// overlap is what the runs say that have a part in a time.
type overlap struct {
	before             int  // no run below this index has a part
	exactFrom, exactTo bool // one covers that end of the time for certain
	// since is no later than a reading before the time, until no earlier than one after it: of runs that reach beyond an end.
	since, until int64
}

const never = int64(1) << 62

// overlapping adds the runs below the index after that have a part in the time.
func (t *track) overlapping(h *hull, after int, from, to int64) overlap {
	o := overlap{since: -never, until: never}
	i := after - 1
	for ; i >= 0 && t.reach[i] > from; i-- {
		r := t.runs[i]
		if r.answered <= from {
			continue
		}
		h.add(r)
		o.exactFrom = o.exactFrom || r.first <= from && from <= r.last
		o.exactTo = o.exactTo || r.first <= to && to <= r.last
		if r.first <= from {
			o.since = max(o.since, r.asked)
		}
		if r.last >= to {
			o.until = min(o.until, r.answered)
		}
	}
	o.before = i + 1
	return o
}

// next adds the runs that may hold the first reading after the time, and says whether there is one.
func (t *track) next(h *hull, after int, o overlap) bool {
	earliest := o.until
	for i := after; i < len(t.runs) && t.runs[i].asked <= earliest; i++ {
		earliest = min(earliest, t.runs[i].first)
		h.add(t.runs[i])
	}
	return earliest < never
}

// previous adds the runs that may hold the last reading before the time, and says whether there is one.
func (t *track) previous(h *hull, from int64, o overlap) bool {
	latest := o.since
	start := sort.Search(len(t.runs), func(i int) bool { return t.runs[i].asked >= from })
	for i := start - 1; i >= 0 && t.reach[i] >= latest; i-- {
		if r := t.runs[i]; r.answered <= from {
			latest = max(latest, r.last)
		}
	}
	for i := start - 1; i >= 0 && t.reach[i] >= latest; i-- {
		if r := t.runs[i]; r.answered <= from && r.answered >= latest {
			h.add(r)
		}
	}
	return latest > -never
}

// falls says whether a value around the time is smaller than one before it.
func (t *track) falls(before, after int) bool {
	var last *run
	for i := max(before-1, 0); i < min(after+1, len(t.runs)); i++ {
		r := &t.runs[i]
		if r.none {
			continue
		}
		if last != nil && r.value < last.value {
			return true
		}
		last = r
	}
	return false
}

// edges calls each for every instant in [from, to] at which what is known changes.
func (t *track) edges(from, to int64, each func(int64)) {
	if t == nil {
		return
	}
	after := sort.Search(len(t.runs), func(i int) bool { return t.runs[i].asked >= to })
	for i := after - 1; i >= 0 && t.reach[i] > from; i-- {
		r := t.runs[i]
		for _, at := range [...]int64{r.asked, r.first, r.last, r.answered} {
			if from < at && at < to {
				each(at)
			}
		}
	}
}
