package collector

import (
	"fmt"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// problem is one thing that a collection could not do, with how many items it hit.
type problem struct {
	subject string // what it is about; the same from one poll to the next
	class   lag.Class
	count   int
	err     error // the first
	attrs   []any // that name the first, for the log
}

// problems are kept one per subject and class, so that their number does not grow with groups or partitions.
type problems map[string]*problem

func (p problems) add(subject string, err error, attrs ...any) {
	if err == nil {
		return
	}
	class := lag.ClassOf(err)
	key := subject + ": " + string(class)
	if p[key] == nil {
		p[key] = &problem{subject: subject, class: class, err: err, attrs: attrs}
	}
	p[key].count++
}

// problemsOf lists what went wrong with a collection.
func problemsOf(obs *lag.Observation, snapshot *lag.Snapshot) problems {
	p := problems{}
	p.add("cluster", obs.MetadataErr)
	if obs.MetadataErr != nil {
		return p // all the rest follows from it
	}
	for i := range obs.Brokers {
		p.add(fmt.Sprintf("broker %d", obs.Brokers[i].ID), obs.Brokers[i].Err, "broker", obs.Brokers[i].ID)
	}
	p.add("rotation of secrets", obs.RotationErr)
	p.add("list of groups", obs.ListingErr)
	p.addOffsets(obs)
	for _, g := range snapshot.Groups {
		p.addGroup(g)
	}
	return p
}

// problemsOfWanted lists what went wrong with a collection of wanted groups.
func problemsOfWanted(obs *lag.Observation, snapshot *lag.Snapshot) problems {
	p := problems{}
	p.addOffsets(obs)
	for i := range obs.Groups {
		read := &obs.Groups[i]
		if g := snapshot.Group(read.Name); g != nil {
			p.addGroup(g)
			continue
		}
		p.add("consumer groups", read.CommitsErr, "group", read.Name) // one that was left out, and so stays
		p.add("members of consumer groups", read.MembersErr, "group", read.Name)
	}
	return p
}

func (p problems) addOffsets(obs *lag.Observation) {
	for i := range obs.Topics {
		t := &obs.Topics[i]
		if lag.ClassOf(t.Err) != lag.ClassNotFound { // a group's leftover commits on a deleted topic are no failure
			p.add("topics", t.Err, "topic", t.Name)
		}
		for _, offsets := range []*lag.Offsets{&t.Ends, &t.Starts} {
			for j := range offsets.Others {
				p.add("partitions", offsets.Others[j].Err, "topic", t.Name)
			}
		}
	}
}

func (p problems) addGroup(g *lag.Group) {
	if err := g.Reason(); err != nil {
		p.add("consumer groups", fmt.Errorf("consumer group %q: %w", g.Name, err), "group", g.Name)
	}
	if g.MembersErr != nil {
		p.add("members of consumer groups", fmt.Errorf("consumer group %q: %w", g.Name, g.MembersErr), "group", g.Name)
	}
}
