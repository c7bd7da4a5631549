package check

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Report is what a row of the catalogue says of a run.
type Report struct {
	Samples  int
	Claims   int // different ones, each of a series, a value and its time
	Unjudged int // about which the record says nothing
	// UnjudgedBy are these by group and topic.
	UnjudgedBy map[string]int
	Wrong      []Violation
	// Darkest is the longest time for which a sum that there was before could not be had. Oldest is the greatest age of a sum.
	// DarkestBy is the former by source.
	Darkest, Oldest Extreme
	DarkestBy       map[string]Extreme
	// Recovery is the time from the end of the fault until all sums that were known before it were known again, as read since.
	// RecoveryBy is the same by source.
	Recovery   Extreme
	RecoveryBy map[string]Extreme
	// Replicas counts the changes of what HPAs want.
	Replicas int
}

// Extreme is a duration and the series that it is of.
type Extreme struct {
	time.Duration
	Of string
}

func (e *Extreme) add(d time.Duration, s Series) {
	if d > e.Duration {
		e.Duration, e.Of = d, fmt.Sprintf("%s %s", s.Source, s.Group)
	}
}

// Summarize puts together what a row reports. over is when the fault was; gone says that a group is meant to be gone in the end.
func Summarize(l *Log, truth Truth, rules Rules, over time.Time, gone func(group string) bool) Report {
	r := Report{RecoveryBy: map[string]Extreme{}, DarkestBy: map[string]Extreme{}}
	r.Wrong, r.Claims, r.UnjudgedBy = Judge(l, truth, rules)
	for _, n := range r.UnjudgedBy {
		r.Unjudged += n
	}
	r.Claims += r.Unjudged
	for _, n := range l.Samples {
		r.Samples += n
	}
	r.Replicas = len(l.Changes)
	for s, claims := range l.bySeries() {
		series := l.Series[s]
		r.series(series, claims, l.End, over, timed(truth, series), gone(series.Group))
	}
	return r
}

// bySeries are the claims of each sum, in their order. Partitions, of which there are most, have no time of their own.
func (l *Log) bySeries() map[int][]Claim {
	by := map[int][]Claim{}
	for _, c := range l.Claims {
		if l.Series[c.Series].Kind != Partition {
			by[c.Series] = append(by[c.Series], c)
		}
	}
	for _, claims := range by {
		slices.SortStableFunc(claims, func(a, b Claim) int { return cmp.Compare(a.First.UnixNano(), b.First.UnixNano()) })
	}
	return by
}

func (r *Report) series(s Series, claims []Claim, end, over time.Time, timed, gone bool) {
	recovered := false
	for i, c := range claims {
		if timed && !c.ReadAt.IsZero() { // a topic may be known before its group as a whole is, which is what has a time
			r.Oldest.add(c.Last.Sub(c.ReadAt), s)
		}
		if i > 0 {
			r.dark(c.First.Sub(claims[i-1].Last), s)
		}
		if !recovered && !over.IsZero() && !c.ReadAt.Before(over) {
			recovered = true
			if claims[0].First.Before(over) {
				r.recovered(c.First.Sub(over), s)
			}
		}
	}
	if gone {
		return
	}
	last := claims[len(claims)-1]
	r.dark(end.Sub(last.Last), s)
	if !recovered && !over.IsZero() {
		r.recovered(end.Sub(over), s)
	}
}

func (r *Report) dark(lasting time.Duration, s Series) {
	r.Darkest.add(lasting, s)
	by := r.DarkestBy[s.Source]
	by.add(lasting, s)
	r.DarkestBy[s.Source] = by
}

// DarkestBut is the longest darkness without that of some sources.
func (r *Report) DarkestBut(which func(source string) bool) (darkest Extreme) {
	for source, by := range r.DarkestBy {
		if !which(source) && by.Duration > darkest.Duration {
			darkest = by
		}
	}
	return darkest
}

func (r *Report) recovered(after time.Duration, s Series) {
	r.Recovery.add(after, s)
	by := r.RecoveryBy[s.Source]
	by.add(after, s)
	r.RecoveryBy[s.Source] = by
}

// OldestOf is the greatest age of the sums of some groups that was served in a time.
func (l *Log) OldestOf(from, to time.Time, which func(Series) bool) (oldest Extreme) {
	for _, c := range l.Claims {
		if s := l.Series[c.Series]; s.Kind != Partition && !c.ReadAt.IsZero() && which(s) && c.Last.After(from) && c.First.Before(to) {
			oldest.add(c.Last.Sub(c.ReadAt), s)
		}
	}
	return oldest
}
