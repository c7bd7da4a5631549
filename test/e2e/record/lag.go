package record

import (
	"slices"
	"time"
)

// Policy is how a group's lag is to be counted.
type Policy struct {
	Committed bool // to the last stable offset rather than the high watermark
	Earliest  bool // where the group has no commit, from the log's start; without it, nothing is left there
	Share     bool // as the broker counts
}

// Range is what a lag can have been during a time: at least Lo, at most Hi.
// An answer whose commit and whose log end were both read within the time, the
// commit no later than the end, is within the range. Lo is the least lag that
// there may have been at any one instant, and not the least end less the
// greatest commit: ends read before commits may be below it.
type Range struct {
	Lo, Hi int64
	Known  bool // else the record does not reach so far
	// Never says that no number is right: at no instant was there such a group or topic, or at all of them the commit was beyond the
	// log's end.
	Never bool
	// absent says that there was no such partition, so that it adds nothing to a sum.
	absent bool
}

// Contains says whether the record allows a lag.
func (r Range) Contains(lag int64) bool {
	return !r.Known || !r.Never && r.Lo <= lag && lag <= r.Hi
}

// span is a time with the tracks of a group in a partition.
type span struct {
	from, to                  int64
	policy                    Policy
	commit, end, start, share *track
}

// Lag tells what the lag of a group in a partition can have been between two times.
func (r *Record) Lag(group, topic string, partition int32, policy Policy, from, to time.Time) Range {
	s := span{from: from.UnixMicro(), to: to.UnixMicro(), policy: policy}
	replaced, result, decided := r.exists(group, topic, s)
	if decided {
		return result
	}
	p := entry("", partition)[1:]
	ends := byte(watermarks)
	if policy.Committed {
		ends = stables
	}
	s.end, s.start = r.tracks[key{ends, topic, p}], r.tracks[key{starts, topic, p}]
	s.commit = r.tracks[key{commits, group, entry(topic, partition)}]
	s.share = r.tracks[key{brokersLags, group, entry(topic, partition)}]
	return s.lag(replaced)
}

// Sum tells what the lag of a group in all partitions of a topic can have been.
func (r *Record) Sum(group, topic string, policy Policy, from, to time.Time) Range {
	sum := Range{Known: true}
	for p := range r.partitionsOf[topic] {
		one := r.Lag(group, topic, p, policy, from, to)
		if one.absent {
			continue
		}
		sum.Lo, sum.Hi = sum.Lo+one.Lo, sum.Hi+one.Hi
		sum.Known, sum.Never = sum.Known && one.Known, sum.Never || one.Never
	}
	sum.Known = sum.Known && len(r.partitionsOf[topic]) > 0
	return sum
}

// Topics are those on which a group has ever committed.
func (r *Record) Topics(group string) []string {
	var all []string
	for topic := range r.topicsOf[group] {
		all = append(all, topic)
	}
	slices.Sort(all)
	return all
}

// exists looks whether group and topic were there. replaced says that the topic may have been another for a part of the time.
func (r *Record) exists(group, topic string, s span) (replaced bool, result Range, decided bool) {
	g := r.tracks[key{groups, ".", group}].during(s.from, s.to)
	t := r.tracks[key{topics, ".", topic}].during(s.from, s.to)
	switch {
	case !g.open && !g.some, !t.open && !t.some:
		return false, Range{Known: true, Never: true}, true
	case g.open || t.open:
		return false, Range{}, true
	}
	return t.none || t.lo != t.hi, Range{}, false
}

// lag works out the range. Whatever a quantity fell by is taken to have had any effect: a commit that was reset says nothing about the
// moments around it, and the offsets of a topic that was made anew begin at 0.
func (s span) lag(replaced bool) Range {
	end, start, commit := s.end.during(s.from, s.to), s.start.during(s.from, s.to), s.commit.during(s.from, s.to)
	if s.commit == nil {
		commit = hull{none: true}
	}
	if !end.some && !end.open {
		return Range{Known: true, Never: true, absent: true}
	}
	if start.none { // not read yet of a partition that is new
		start.lo, start.some = 0, true
	}
	if !end.some || !start.some || end.open || start.open || commit.open {
		return Range{}
	}
	result := Range{Known: true, Hi: s.greatest(end, start, commit, replaced)}
	if !replaced {
		result.Lo = s.least()
	}
	if s.policy.Share {
		shares := s.share.during(s.from, s.to)
		if !shares.open && shares.some { // it leaves out what members have acknowledged beyond the first record that they have not
			acknowledged := max(end.hi-max(commit.lo, start.lo)-shares.hi, 0)
			result.Lo = min(result.Lo, shares.lo)
			if shares.none { // so it does at moments for which there is no answer
				result.Lo -= acknowledged
			} else {
				result.Hi = shares.hi
			}
		}
	}
	result.Never = result.Hi < 0
	result.Lo, result.Hi = max(result.Lo, 0), max(result.Hi, 0)
	return result
}

// greatest is the greatest lag that there may have been; it is negative where the commit was beyond the end all the time.
func (s span) greatest(end, start, commit hull, replaced bool) int64 {
	switch {
	case !commit.some && !s.policy.Earliest:
		return 0
	case !commit.some, commit.fell, replaced, commit.none && s.policy.Earliest:
		return end.hi - start.lo
	}
	return end.hi - max(commit.lo, start.lo)
}

// least is the least lag that there may have been at any one instant. What is known is the same at all instants between two edges.
func (s span) least() int64 {
	at := []int64{s.from, s.to}
	for _, t := range []*track{s.end, s.start, s.commit} {
		t.edges(s.from, s.to, func(edge int64) { at = append(at, edge) })
	}
	slices.Sort(at)
	at = slices.Compact(at)
	least := s.leastAt(s.from)
	for i := 1; i < len(at); i++ {
		least = min(least, s.leastAt(at[i-1]+(at[i]-at[i-1])/2))
	}
	return min(least, s.leastAt(s.to))
}

func (s span) leastAt(at int64) int64 {
	end, start, commit := s.end.during(at, at), s.start.during(at, at), s.commit.during(at, at)
	switch {
	case end.none:
		return 0
	case s.commit == nil || !commit.some:
		if s.policy.Earliest {
			return end.lo - start.hi
		}
		return 0
	case commit.fell, commit.none && !s.policy.Earliest:
		return 0
	}
	return end.lo - max(commit.hi, start.hi)
}
