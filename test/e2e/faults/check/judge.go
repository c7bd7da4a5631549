package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/record"
)

// Rule is what was broken.
type Rule string

// The rules.
const (
	Value    Rule = "value"    // a value was not true at the time that was served with it
	Age      Rule = "age"      // a value was served that was older than max-age
	Adding   Rule = "adding"   // a sum is not the sum of its parts
	Ghost    Rule = "ghost"    // a value was served for a pod that there is not
	Replicas Rule = "replicas" // replicas went while the true lag was above the target
	Health   Rule = "health"   // readiness, discovery or /metrics was lost
	Absent   Rule = "absent"   // what there is was said not to be there
)

// Truth tells which lags were possible. *record.Record does.
type Truth interface {
	Lag(group, topic string, partition int32, policy record.Policy, from, to time.Time) record.Range
	Sum(group, topic string, policy record.Policy, from, to time.Time) record.Range
	Topics(group string) []string
}

// Rules are the times that the product was given, and what is particular about groups.
type Rules struct {
	Poll, MaxAge time.Duration
	Policy       func(group string) record.Policy
	// Scale tells what an HPA goes by.
	Scale map[string]Scale
	// Stabilization is for how long the HPA controller remembers a recommendation.
	Stabilization time.Duration
}

// Scale is a group that an HPA scales by, and the lag for each replica.
type Scale struct {
	Group, Topic string
	Target       int64
}

// The API gives whole seconds. slack is for what lies between a reading's time and its parts, and for clocks that are read at
// different moments.
const (
	granularity = time.Second
	slack       = time.Second
)

// Violation is one broken rule.
type Violation struct {
	Event
	Claim *Claim // if it is about one
}

func (v Violation) String() string {
	return fmt.Sprintf("%s %s: %s: %s", v.At.Format(time.StampMilli), v.Rule, v.Source, v.Text)
}

// Judge finds all that is wrong in a log. unjudged counts the claims about which the truth says nothing, by group and topic.
func Judge(l *Log, truth Truth, rules Rules) (wrong []Violation, judged int, unjudged map[string]int) {
	unjudged = map[string]int{}
	for i := range l.Claims {
		c := &l.Claims[i]
		s := l.Series[c.Series]
		if text := tooOld(s, c, truth, rules); text != "" {
			wrong = append(wrong, violation(Age, s, c, text))
		}
		possible := rules.possible(truth, s, c, c.First)
		if possible.Contains(c.Value) && c.Last.Sub(c.First) > sameClaim {
			if later := rules.possible(truth, s, c, c.Last); later.Known { // it must still be so
				possible = later
			}
		}
		switch {
		case !possible.Known:
			unjudged[s.Group+" on "+s.Topic]++
		case !possible.Contains(c.Value):
			wrong = append(wrong, violation(Value, s, c, fmt.Sprintf("%d, read at %s, was not possible then: %s", c.Value,
				c.ReadAt.Format(time.StampMilli), describe(possible))))
			fallthrough
		default:
			judged++
		}
	}
	for _, e := range l.Events {
		wrong = append(wrong, Violation{Event: e})
	}
	wrong = append(wrong, falls(l, truth, rules)...)
	slices.SortStableFunc(wrong, func(a, b Violation) int { return a.At.Compare(b.At) })
	return wrong, judged, unjudged
}

func describe(r record.Range) string {
	if r.Never {
		return "there was no such group or topic"
	}
	return fmt.Sprintf("it was from %d to %d", r.Lo, r.Hi)
}

func violation(rule Rule, s Series, c *Claim, text string) Violation {
	name := fmt.Sprintf("%s %s on %s", s.Source, s.Group, s.Topic)
	if s.Kind == Partition {
		name += fmt.Sprintf("/%d", s.Partition)
	}
	return Violation{Event{c.First, rule, name, text}, c}
}

// possible is what a claim's value may have been, if it was served at that time. An answer of the API says when it was read. In
// /metrics, only the whole group says so: a partition may have been read since, and no longer ago than max-age, if the group as a whole
// could not; so may a topic of several.
func (r Rules) possible(truth Truth, s Series, c *Claim, at time.Time) record.Range {
	from, to := c.ReadAt, c.ReadAt
	switch {
	case s.Kind == Answer:
		to = to.Add(granularity)
	case !timed(truth, s):
		if oldest := at.Add(-r.MaxAge); from.Before(oldest) {
			from = oldest
		}
		to = at
	}
	from, to = from.Add(-r.Poll-slack), to.Add(max(r.Poll, slack)) // the ends are read within the poll, and may wait for a broker that hangs
	if s.Kind == Partition {
		return truth.Lag(s.Group, s.Topic, s.Partition, r.Policy(s.Group), from, to)
	}
	return truth.Sum(s.Group, s.Topic, r.Policy(s.Group), from, to)
}

// timed says whether the time that a series comes with is its own, and not that of the group as a whole.
func timed(truth Truth, s Series) bool {
	return s.Kind == Answer || s.Kind == Sum && len(truth.Topics(s.Group)) <= 1
}

// tooOld says of a claim with a time of its own how far that is beyond max-age, if it is.
func tooOld(s Series, c *Claim, truth Truth, rules Rules) string {
	if !timed(truth, s) {
		return ""
	}
	limit := rules.MaxAge + slack
	if s.Kind == Answer {
		limit += granularity
	}
	if age := c.Last.Sub(c.ReadAt); age > limit {
		return fmt.Sprintf("%d, read at %s, was still served %s later", c.Value, c.ReadAt.Format(time.StampMilli), age.Round(time.Millisecond))
	}
	return ""
}

// falls finds the falls of replicas that nothing justified: at no instant since the oldest value that the HPA may have gone by, the
// lag was down at what so few replicas are for. A tenth more is the HPA controller's tolerance.
func falls(l *Log, truth Truth, rules Rules) (wrong []Violation) {
	for _, change := range l.Changes {
		scale, ok := rules.Scale[change.HPA]
		if !ok || change.To >= change.From {
			continue
		}
		since := change.At.Add(-rules.MaxAge - rules.Poll - rules.Stabilization - 2*slack)
		was := truth.Sum(scale.Group, scale.Topic, rules.Policy(scale.Group), since, change.At)
		if most := int64(change.To) * scale.Target; was.Known && was.Lo*10 > most*11 {
			wrong = append(wrong, Violation{Event: Event{change.At, Replicas, change.HPA, fmt.Sprintf("from %d replicas to %d, which are for a lag of %d: %s",
				change.From, change.To, most, describe(was))}})
		}
	}
	return wrong
}

// Held is a truth in which some groups' sums are held to be at least so much: their producers and consumers make it so, at every
// instant, whatever rate they go at. It tells more than readings can that are half a second apart.
type Held struct {
	Truth
	AtLeast map[string]int64 // by group
}

// Sum implements Truth.
func (h Held) Sum(group, topic string, policy record.Policy, from, to time.Time) record.Range {
	r := h.Truth.Sum(group, topic, policy, from, to)
	if least, ok := h.AtLeast[group]; ok && r.Known && !r.Never {
		r.Lo = max(r.Lo, least)
	}
	return r
}
