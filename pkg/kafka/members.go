package kafka

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// describeGroups fills in the members of the groups, by the request that fits each type. Members that are known already and need
// not be read are left out: the group then has neither a time of its members nor an error.
func (c *collection) describeGroups(ctx context.Context, broker int32, groups []lag.GroupObservation) {
	byType := make(map[lag.GroupType][]*lag.GroupObservation)
	for i := range groups {
		if g := &groups[i]; g.MembersErr == nil && c.needsMembers(g) {
			byType[g.Type] = append(byType[g.Type], g)
		}
	}
	var wg sync.WaitGroup
	for kind, some := range byType {
		switch kind {
		case lag.GroupClassic:
			wg.Go(func() { c.describeClassic(ctx, broker, some) })
		case lag.GroupConsumer:
			wg.Go(func() { c.describeConsumer(ctx, broker, some) })
		case lag.GroupShare:
			wg.Go(func() { c.describeShare(ctx, broker, some) })
		case lag.GroupStreams:
			wg.Go(func() { c.describeStreams(ctx, broker, some) })
		default:
			for _, g := range some {
				g.MembersErr = unknownType(g)
			}
		}
	}
	wg.Wait()
}

// needsMembers says whether the members have to be read, see [Reader.Read].
func (c *collection) needsMembers(g *lag.GroupObservation) bool {
	old := c.old(g.Name)
	switch {
	case c.obs.Partial, c.unlisted[g.Name], old == nil, old.MembersErr != nil, old.MembersReadAt.IsZero(),
		g.State != stateStable && g.State != stateEmpty, // also if the list gives no states (before ListGroups v4)
		g.State != old.State, g.Type != old.Type, g.Coordinator != old.Coordinator,
		c.wanted[g.Name], c.policy(g.Name, g.Type, old.Start).OffsetReset == lag.ResetEarliest:
		return true
	}
	return c.reader.slow.due(old.MembersReadAt, c.obs.StartedAt, c.reader.slow.hash(g.Name))
}

// The states of a group at rest.
const (
	stateStable = "Stable"
	stateEmpty  = "Empty"
)

// forgetMembers forgets what was decoded of groups that are no longer there, once it is worth the effort.
func (c *collection) forgetMembers() {
	const most = 100
	if c.reader.members.size() <= len(c.obs.Groups)+most {
		return
	}
	c.reader.members.retain(func(group string) bool {
		_, found := slices.BinarySearchFunc(c.obs.Groups, group, func(g lag.GroupObservation, name string) int { return cmp.Compare(g.Name, name) })
		return found
	})
}

// members returns the members of the group as they were read now or, if they were not, before.
func (c *collection) members(g *lag.GroupObservation) []lag.Member {
	if g.MembersErr == nil && !g.MembersReadAt.IsZero() {
		return g.Members
	}
	if old := c.old(g.Name); old != nil {
		return old.Members
	}
	return nil
}

func expectMembers(broker int32, op string, groups []*lag.GroupObservation) *answers {
	return expect(broker, op, groups, func(g *lag.GroupObservation, err error) { g.MembersErr = err })
}

// setMembers fills in what was read of a group.
func (c *collection) setMembers(g *lag.GroupObservation, readAt time.Time, state string, members []lag.Member) {
	for i := range members {
		c.filter(&members[i])
	}
	g.MembersReadAt, g.State, g.Members = readAt, state, members
}

// filter drops the topics that are not to be read.
func (c *collection) filter(m *lag.Member) {
	subscribed, assigned := m.Subscribed[:0:0], m.Assigned[:0:0]
	for _, topic := range m.Subscribed {
		if c.reader.cfg.Topics(topic) {
			subscribed = append(subscribed, topic)
		}
	}
	for _, a := range m.Assigned {
		if c.reader.cfg.Topics(a.Topic) {
			assigned = append(assigned, a)
		}
	}
	m.Subscribed, m.Assigned = subscribed, assigned
}

func unknownType(g *lag.GroupObservation) error {
	return &lag.ReadError{Class: lag.ClassUnsupported, Broker: noBroker, Op: string(g.Type) + " group", Err: errUnknownType}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
