package lag

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

var (
	errNeverRead  = &ReadError{Class: ClassOther, Broker: -1, Op: "OffsetFetch", Err: errors.New("the commits were never read")}
	errNoMembers  = &ReadError{Class: ClassOther, Broker: -1, Op: "DescribeGroups", Err: errors.New("the members were not read")}
	errRebalances = &ReadError{Class: ClassCoordinator, Broker: -1, Op: "DescribeGroups",
		Err: errors.New("the group rebalances, and only after that does it tell its topics")}
	errUnmatched = &ReadError{Class: ClassCoordinator, Broker: -1, Op: "ConsumerGroupDescribe",
		Err: errors.New("the members subscribe by a pattern and have no partitions yet, so that it is not known which topics match")}
	errTwoAnswers = &ReadError{Class: ClassProtocol, Broker: -1, Op: "OffsetFetch", Err: errors.New("two answers for one topic")}
)

// group works out one group from its observation. What could not be read comes from old, with its older time; old is nil if the
// group was not known.
func (c *computation) group(old *Group, read *GroupObservation) *Group {
	g := c.newGroup()
	*g = Group{Name: read.Name, Type: read.Type, ProtocolType: read.ProtocolType, State: read.State, Coordinator: read.Coordinator}
	g.takeMembers(old, read, c.obs.StartedAt)
	if g.Start = read.Start; old != nil {
		g.Start = old.Start.merged(read.Start)
	}
	if old != nil && old.readSince(read, c.obs.StartedAt) {
		g.keepReading(old)
		g.Err = old.Err
		return g
	}
	policy := c.policies.Of(read.Name).For(g.Type, g.Start)
	if g.Err = c.whyUnreadable(g, old, read, policy); g.Err != nil {
		if old != nil {
			g.keepReading(old.detached())
		}
		return g
	}
	g.ReadAt = read.CommitsReadAt
	c.topics(g, old, read, policy)
	if old != nil && g.incompleteErr() != nil {
		g.left, g.completeAt = g.leftSince(old), old.CompleteAt()
		if !g.contradicted() {
			g.LastComplete = old.lastComplete()
		}
	}
	return g
}

// newGroup makes room for a group. One alone has it to itself.
func (c *computation) newGroup() *Group {
	if c.obs.Partial {
		return new(Group)
	}
	return &c.groups.take(1)[:1][0]
}

// readSince says whether the commits were read since those of the observation were.
func (g *Group) readSince(read *GroupObservation, startedAt time.Time) bool {
	if read.CommitsErr != nil || read.CommitsReadAt.IsZero() {
		return g.ReadAt.After(startedAt)
	}
	return g.ReadAt.After(read.CommitsReadAt)
}

func (g *Group) keepReading(old *Group) {
	g.ReadAt, g.Topics, g.DeletedTopics, g.buried = old.ReadAt, old.Topics, old.DeletedTopics, old.buried
	g.LastComplete, g.left, g.completeAt, g.alone = old.LastComplete, old.left, old.completeAt, old.alone
}

// lastComplete returns the latest complete reading for later ones to refer to, nil if there is none.
func (g *Group) lastComplete() *Group {
	if c := g.complete(); c != g {
		return c
	}
	return g.remembered()
}

// takeMembers takes the members from the later of the two readings.
func (g *Group) takeMembers(old *Group, read *GroupObservation, startedAt time.Time) {
	fresh := read.MembersErr == nil && !read.MembersReadAt.IsZero()
	asked := fresh || read.MembersErr != nil
	switch {
	case fresh && (old == nil || !old.MembersReadAt.After(read.MembersReadAt)):
		g.MembersReadAt, g.Members, g.Protocol = read.MembersReadAt, read.Members, read.Protocol
	default:
		if old != nil {
			g.MembersReadAt, g.Members, g.Protocol = old.MembersReadAt, old.Members, old.Protocol
			g.State, g.ProtocolType = old.State, old.ProtocolType
			g.MembersErr = old.MembersErr
		}
		if asked && !g.MembersReadAt.After(startedAt) {
			g.MembersErr = read.MembersErr
		}
		if g.MembersErr == nil && g.MembersReadAt.IsZero() && read.CommitsErr == nil {
			g.MembersErr = errNoMembers
		}
	}
	if old != nil && sameMembers(old.Members, g.Members) {
		g.owned = old.owned
	} else {
		g.owned = membership(g.Members)
	}
}

// whyUnreadable returns why nothing can be said of the group's partitions from this observation, nil if something can.
func (c *computation) whyUnreadable(g, old *Group, read *GroupObservation, policy Policy) error {
	// Members tell which partitions without a commit belong to the group. Under ResetLatest those add nothing.
	needsMembers := policy.OffsetReset == ResetEarliest
	switch {
	case read.CommitsErr != nil:
		return read.CommitsErr
	case read.CommitsReadAt.IsZero():
		return errNeverRead
	case c.next.MetadataErr != nil && !c.obs.Partial:
		return c.next.MetadataErr
	case needsMembers && g.MembersErr != nil:
		return g.MembersErr
	case needsMembers && g.rebalancing() && (old == nil || old.ReadAt.IsZero()):
		return errRebalances
	case needsMembers && g.unmatched():
		return errUnmatched
	}
	return nil
}

// leftSince returns the topics that g lacks of old, and of the readings since the one before old that was complete.
func (g *Group) leftSince(old *Group) []string {
	names := slices.Clone(old.left)
	for i := range old.Topics {
		names = append(names, old.Topics[i].Topic)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return g.topic(name) != nil })
	slices.Sort(names)
	return slices.Compact(names)
}

// contradicted says whether some row speaks against what was read before, too.
func (g *Group) contradicted() bool {
	return slices.ContainsFunc(g.Topics, func(t TopicLag) bool { return t.doubts })
}

// rebalancing says whether the members do not tell all their topics now: those of a classic group do only while it is stable, and what
// matches a pattern (KIP-848) shows only in what is assigned.
func (g *Group) rebalancing() bool {
	switch g.Type {
	case GroupClassic:
		return g.State == "PreparingRebalance" || g.State == "CompletingRebalance"
	case GroupConsumer:
		return g.owned.patterns && (g.State == "Assigning" || g.State == "Reconciling")
	}
	return false
}

// unmatched says whether the members subscribe by patterns, and none has a partition: brokers take some seconds to find the topics
// that match.
func (g *Group) unmatched() bool { return g.owned.patterns && g.owned.unassigned }

// commitsOf returns the commits on the topic.
func commitsOf(topics []TopicCommits, name string) (*TopicCommits, error) {
	i, ok := slices.BinarySearchFunc(topics, name, func(t TopicCommits, name string) int { return cmp.Compare(t.Topic, name) })
	if !ok {
		return &TopicCommits{}, nil
	}
	if i+1 < len(topics) && topics[i+1].Topic == name {
		return &topics[i], errTwoAnswers
	}
	return &topics[i], nil
}
