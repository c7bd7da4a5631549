package check

import "time"

// Fresh is how fresh some sums were kept for a time.
type Fresh struct {
	Series int // how many there were
	// Oldest is the greatest age of what was last known, at any instant of the time: also while nothing was served any more.
	Oldest Extreme
}

// Freshness tells how fresh the sums of some series were from one time to another. What is last known of a series counts until
// something newer was seen. The times that the API gives are cut to whole seconds; they count as the end of theirs.
func (l *Log) Freshness(from, to time.Time, which func(Series) bool) Fresh {
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
			if !until.After(from) || c.First.After(to) || c.ReadAt.IsZero() {
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
