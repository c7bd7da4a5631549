package kafka

import (
	"cmp"
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// ReadGroups makes a collection of these groups and their partitions only, with prev as for [Reader.Read]: members, commits and log
// ends of all of them, the rest where it is needed. The commits in the observation are good until the next ReadGroups. What it costs depends on these groups, not on what else the cluster holds.
//
// A group that prev does not have is left out: its type is not known, and the next Read finds it. One that prev left out, as there are
// too many, is read unless there was no room even for those that are wanted. A group that its coordinator says does not exist is
// left out, too: the next Read confirms it.
func (r *Reader) ReadGroups(ctx context.Context, prev *lag.Snapshot, groups []string) *lag.Observation {
	c := r.newCollection(r.hot, prev)
	c.obs.Partial = true
	for _, b := range c.prev.Brokers {
		c.addBroker(b.ID, b.Address)
	}
	hot := c.hotGroups(groups)
	if len(hot) == 0 {
		return c.obs
	}
	findCtx, cancel := c.phase(ctx, listingShare)
	defer cancel()
	c.findCoordinators(findCtx, hot)
	c.partByCoordinator(hot)
	groupsCtx, cancel := c.phase(ctx, groupsShare)
	defer cancel()
	c.readGroups(groupsCtx)

	topicsCtx, cancel := c.phase(ctx, offsetsShare)
	defer cancel()
	c.readNamedTopics(topicsCtx, c.copyTopics())
	c.decideNeeds()
	c.askLeaders(topicsCtx)
	lastCtx, cancel := c.phase(ctx, 1)
	defer cancel()
	c.retryMoved(lastCtx)
	return c.obs
}

// hotGroups returns those of the groups that are known, or known to be left out, in order.
func (c *collection) hotGroups(names []string) []lag.GroupObservation {
	names = slices.Clone(names)
	slices.Sort(names)
	var groups []lag.GroupObservation
	for _, name := range slices.Compact(names) {
		g := lag.GroupObservation{Name: name}
		old, left := c.old(name), c.prev.UncollectedGroup(name)
		switch {
		case old != nil && c.reader.cfg.Groups(name):
			g.Type, g.ProtocolType, g.State, g.Coordinator = old.Type, old.ProtocolType, old.State, old.Coordinator
		case old == nil && left != nil && !left.Wanted:
			g.Type, g.Coordinator = left.Type, left.Coordinator
		default:
			continue
		}
		if old != nil && coordinatorInDoubt(old) || c.broker(g.Coordinator) == nil {
			g.Coordinator = noBroker
		}
		groups = append(groups, g)
		c.unlisted[name] = true // what its coordinator does not know does not exist
	}
	return groups
}

// coordinatorInDoubt says whether the group's coordinator did not answer for it the last time.
func coordinatorInDoubt(g *lag.Group) bool {
	for _, err := range []error{g.Err, g.MembersErr} {
		if err == nil {
			continue
		}
		switch lag.ClassOf(err) {
		case lag.ClassCoordinator, lag.ClassConnection, lag.ClassTimeout:
			return true
		}
	}
	return false
}

// findCoordinators asks for the coordinators of the groups that have none.
func (c *collection) findCoordinators(ctx context.Context, groups []lag.GroupObservation) {
	var lost []*lag.GroupObservation
	for i := range groups {
		if groups[i].Coordinator == noBroker {
			lost = append(lost, &groups[i])
		}
	}
	for len(lost) > 0 {
		lost = c.findSome(ctx, lost)
	}
}

// findSome asks for the coordinators of all the groups at once. It returns those that are still to be asked for: a broker that does
// not know batches (FindCoordinator before v4) answers for the first only.
func (c *collection) findSome(ctx context.Context, groups []*lag.GroupObservation) []*lag.GroupObservation {
	req := func() kmsg.Request {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorKey, req.CoordinatorKeys = groups[0].Name, namesOf(groups)
		return req
	}
	asked := expectCommits(noBroker, "FindCoordinator", groups)
	resp, err := askAny(ctx, c, req, func(resp kmsg.Response) (*kmsg.FindCoordinatorResponse, error) {
		return resp.(*kmsg.FindCoordinatorResponse), nil
	})
	if err != nil {
		asked.fail(groups, err)
		return nil
	}
	found, rest := resp.Coordinators, groups[:0:0]
	if resp.Version < findCoordinatorBatch {
		found, rest = []kmsg.FindCoordinatorResponseCoordinator{{
			Key: groups[0].Name, NodeID: resp.NodeID, Host: resp.Host, Port: resp.Port, ErrorCode: resp.ErrorCode,
		}}, groups[1:]
	}
	for _, answer := range found {
		if g := asked.group(answer.Key, codeError(noBroker, (*kmsg.FindCoordinatorRequest)(nil), answer.ErrorCode)); g != nil {
			g.Coordinator = answer.NodeID
			c.addBroker(answer.NodeID, hostPort(answer.Host, answer.Port))
		}
	}
	return rest
}

// findCoordinatorBatch is the first version of FindCoordinator that takes several groups.
const findCoordinatorBatch = 4

// partByCoordinator puts the groups with the brokers that coordinate them. Those without stand in the observation with the reason.
func (c *collection) partByCoordinator(groups []lag.GroupObservation) {
	c.parts = make([][]lag.GroupObservation, len(c.brokers))
	for _, g := range groups {
		i, found := slices.BinarySearchFunc(c.brokers, g.Coordinator, func(b *brokerState, id int32) int { return cmp.Compare(b.id, id) })
		if found {
			c.parts[i] = append(c.parts[i], g)
			continue
		}
		if old := c.old(g.Name); old != nil {
			g.Coordinator = old.Coordinator
		}
		g.MembersErr = g.CommitsErr
		c.adrift = append(c.adrift, g)
	}
}

// copyTopics copies what is known of the groups' topics, without offsets, and returns the names of those of which too little is.
// A topic that could not be described before is left to the next Read.
func (c *collection) copyTopics() []string {
	var unknown []string
	for _, name := range c.topicsOfGroups() {
		old := c.prev.Topic(name)
		switch {
		case old == nil || old.Err == nil && leadershipInDoubt(old):
			unknown = append(unknown, name)
		case old.Err == nil:
			c.addTopic(lag.Topic{Name: old.Name, ID: old.ID, ReadAt: old.ReadAt, Partitions: old.Partitions})
		}
	}
	return unknown
}
