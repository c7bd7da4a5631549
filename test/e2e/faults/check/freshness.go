package check

import (
	"slices"
	"time"
)

// Span is a time from one instant to another.
type Span struct{ From, To time.Time }

// Has says whether an instant is in the time.
func (s Span) Has(at time.Time) bool { return !at.Before(s.From) && !at.After(s.To) }

// Merge puts together what overlaps, in order.
func Merge(spans []Span) []Span {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b Span) int { return a.From.Compare(b.From) })
	var merged []Span
	for _, s := range spans {
		if n := len(merged); n > 0 && !s.From.After(merged[n-1].To) {
			if s.To.After(merged[n-1].To) {
				merged[n-1].To = s.To
			}
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// Within is how much of a time the spans take, which do not overlap.
func Within(spans []Span, from, to time.Time) (sum time.Duration) {
	for _, s := range spans {
		if s.From.Before(from) {
			s.From = from
		}
		if s.To.After(to) {
			s.To = to
		}
		sum += max(s.To.Sub(s.From), 0)
	}
	return sum
}

// Fresh is how fresh some sums were kept for a time.
type Fresh struct {
	Series int // how many there were
	// Oldest is the greatest age of what was last known, at any instant of the time: also while nothing was served any more.
	Oldest Extreme
}

// Freshness tells how fresh the sums of some series were from one time to another. What is last known of a series counts until
// something newer was seen. The times that the API gives are cut to whole seconds; they count as the end of theirs. Instants in but, which
// are merged, do not count.
func (l *Log) Freshness(from, to time.Time, but []Span, which func(Series) bool) Fresh {
	var fresh Fresh
	for number, claims := range l.bySeries() {
		s := l.Series[number]
		if !which(s) {
			continue
		}
		fresh.Series++
		for i, c := range claims {
			until := to
			if i+1 < len(claims) && claims[i+1].First.Before(to) {
				until = claims[i+1].First
			}
			until = lastBefore(until, but)
			if !until.After(from) || until.Before(c.First) || c.First.After(to) || c.ReadAt.IsZero() {
				continue
			}
			readAt := c.ReadAt
			if s.Kind == Answer {
				readAt = readAt.Add(granularity)
			}
			fresh.Oldest.add(until.Sub(readAt), s)
		}
	}
	return fresh
}

// lastBefore is the last instant until a time that is in none of the spans.
func lastBefore(until time.Time, spans []Span) time.Time {
	for _, s := range spans {
		if s.Has(until) {
			return s.From
		}
	}
	return until
}

// ChangesIn counts the changes of what HPAs want, in a time.
func (l *Log) ChangesIn(from, to time.Time) (n int) {
	for _, c := range l.Changes {
		if c.At.After(from) && c.At.Before(to) {
			n++
		}
	}
	return n
}

// ClaimsIn returns the claims that were served in a time.
func (l *Log) ClaimsIn(from, to time.Time) (claims []Claim) {
	for _, c := range l.Claims {
		if c.Last.After(from) && c.First.Before(to) {
			claims = append(claims, c)
		}
	}
	return claims
}
