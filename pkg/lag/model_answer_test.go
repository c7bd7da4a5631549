package lag_test

import (
	"slices"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// answer is what a sum must be: unknown, absent, or one of the readings from atLeast to the latest that knew all of what is
// selected. Where there is a choice the newer one is better, but Compute need not keep every reading there ever was.
type answer struct {
	unknown, absent bool
	allowed         []reading
}

func (m *model) answer(q query, now int) answer {
	young := func(t time.Time) bool { return !t.IsZero() && at(now).Sub(t) <= maxAge }
	g := m.groups[q.group]
	switch {
	case g == nil:
		listed := young(m.listedFor(q.group))
		return answer{absent: listed, unknown: !listed}
	case len(g.readings) == 0:
		return answer{unknown: true}
	}
	latest := g.readings[len(g.readings)-1]
	if _, state := latest.sum(q); state == none {
		return answer{absent: young(latest.at), unknown: !young(latest.at)}
	}
	atLeast := m.kept(g.readings, q)
	a := answer{unknown: !young(atLeast)}
	for i, r := range g.readings {
		_, state := r.sum(q)
		if state == whole && young(r.at) && !r.at.Before(atLeast) && !doubted(g.readings[i:], q.topics) {
			a.allowed = append(a.allowed, r)
		}
	}
	return a
}

// doubted says whether a reading after the first speaks against it.
func doubted(readings []reading, topics []string) bool {
	return slices.ContainsFunc(readings[1:], func(r reading) bool {
		return slices.ContainsFunc(topics, func(topic string) bool { return r.doubts[topic] })
	})
}

// kept returns the time of the newest reading that must not be forgotten, zero if there is none.
func (m *model) kept(readings []reading, q query) (newest time.Time) {
	keep := func(r reading) {
		if _, state := r.sum(q); state == whole && r.at.After(newest) {
			newest = r.at
		}
	}
	keep(readings[len(readings)-1])
	for i, r := range slices.Backward(readings) {
		if doubted(readings[i:], topicNames()) {
			break
		}
		if _, state := r.sum(everything()); state != partly { // the group's last complete reading
			keep(r)
			break
		}
	}
	if len(q.topics) > 1 {
		return newest
	}
	for i, r := range slices.Backward(readings) { // the topic's, as far back as every reading tells something of it
		if doubted(readings[i:], q.topics) {
			break
		}
		_, state := r.sum(query{topics: q.topics, partitions: everything().partitions})
		if state == whole {
			keep(r)
		}
		if state != partly {
			break
		}
	}
	return newest
}

type completeness int

const (
	none, partly, whole completeness = 0, 1, 2 // nothing is selected; something that is selected is not known; all of it is
)

// sum adds up what is selected.
func (r reading) sum(q query) (total lag.Total, state completeness) {
	total.ReadAt = r.at
	found, known := false, true
	for _, topic := range q.topics {
		if r.more[topic] {
			found, known = true, false
		}
		for _, p := range q.partitions {
			row, ok := r.rows[topic][p]
			if !ok {
				continue
			}
			found = true
			if row == nil {
				known = false
				continue
			}
			total.Lag, total.MaxLag = total.Lag+*row, max(total.MaxLag, *row)
			total.Partitions++
		}
	}
	switch {
	case !found:
		return total, none
	case !known:
		return total, partly
	}
	return total, whole
}
