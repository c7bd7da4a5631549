package lag

import (
	"cmp"
	"errors"
	"slices"
)

// missesUntilGone is how many times in a row the brokers must say that a group or topic is not there before it counts as deleted.
// One answer alone may have been given while the group moved from one coordinator to another, or by a broker that had not
// heard of the topic.
const missesUntilGone = 2

var (
	errNotListed = &ReadError{Class: ClassNotFound, Broker: -1, Op: "ListGroups",
		Err: errors.New("the group was missing from its coordinator's latest list of groups; if it is missing again it counts as deleted")}
	errNoCoordinator = &ReadError{Class: ClassCoordinator, Broker: -1, Op: "Metadata",
		Err: errors.New("the group's partition of __consumer_offsets has no leader, so the group has no coordinator")}
)

// computation is one call of Compute under way.
type computation struct {
	prev     *Snapshot // never nil
	obs      *Observation
	next     *Snapshot
	policies Policies

	names []string // room for the topics of one group
	// Room for what the groups have.
	allTopics arena[Topic]
	groups    arena[Group]
	topicLags arena[TopicLag]
	rows      arena[PartitionLag]
}

// Compute works out the snapshot that follows prev from what was read. prev may be nil; neither argument is changed, and the
// result shares memory with both.
//
// Several collections may be under way at the same time, so what was read may be older than what is known: of each item the later
// reading counts, and a failure counts only if the item was not read since the collection that failed began.
func Compute(prev *Snapshot, obs *Observation, policies Policies) *Snapshot {
	if prev == nil || anotherCluster(prev, obs) {
		prev = &Snapshot{Cluster: obs.Cluster} // of another cluster nothing is awaited, or what was asked of all would have no answer now
	}
	next := *prev
	c := &computation{prev: prev, obs: obs, next: &next, policies: policies}
	if obs.Partial {
		c.mergeTopics()
		c.mergeGroups()
		return &next
	}
	next.TakenAt, next.PollTime = obs.StartedAt, 0
	if !obs.EndedAt.IsZero() {
		next.PollTime = obs.EndedAt.Sub(obs.StartedAt)
	}
	next.ClusterID = cmp.Or(obs.ClusterID, prev.ClusterID)
	c.computeListing()
	c.computeMetadata()
	c.computeGroups()
	return &next
}

// anotherCluster says whether the brokers that were asked are of another cluster than what is known: the settings, or a name in the
// DNS, have come to mean another one. Its groups and topics are others, whatever their names are.
func anotherCluster(prev *Snapshot, obs *Observation) bool {
	return prev.ClusterID != "" && obs.ClusterID != "" && prev.ClusterID != obs.ClusterID
}

// computeListing notes which coordinators told which groups there are.
func (c *computation) computeListing() {
	next, obs := c.next, c.obs
	next.ListingErr, next.Uncollected = obs.ListingErr, obs.Uncollected
	if obs.ListingErr == nil {
		next.ListedAt = obs.StartedAt
	}
	if obs.MetadataErr != nil {
		next.Uncollected = c.prev.Uncollected
		return
	}
	next.coordinators = obs.Coordinators
	next.listings = make([]listing, 0, len(obs.Brokers))
	for _, broker := range obs.Listed {
		next.listings = append(next.listings, listing{broker, obs.StartedAt})
	}
	for _, l := range c.prev.listings {
		if !slices.Contains(obs.Listed, l.broker) {
			next.listings = append(next.listings, l)
		}
	}
}

// computeGroups walks the sorted groups of the previous snapshot and of the observation side by side.
func (c *computation) computeGroups() {
	old, read := c.prev.Groups, c.obs.Groups
	c.next.Groups = make([]*Group, 0, max(len(old), len(read)))
	for len(old) > 0 || len(read) > 0 {
		order := -1
		switch {
		case len(old) == 0:
			order = 1
		case len(read) > 0:
			order = cmp.Compare(old[0].Name, read[0].Name)
		}
		var g *Group
		switch {
		case order < 0:
			g, old = c.unlisted(old[0]), old[1:]
		case order > 0:
			g, read = c.group(nil, &read[0]), read[1:]
		default:
			g, old, read = c.group(old[0], &read[0]), old[1:], read[1:]
		}
		if g != nil {
			c.next.Groups = append(c.next.Groups, g)
		}
	}
}

// mergeGroups replaces the groups that were read.
func (c *computation) mergeGroups() {
	c.next.Groups = slices.Clone(c.prev.Groups)
	for i := range c.obs.Groups {
		read := &c.obs.Groups[i]
		at, found := slices.BinarySearchFunc(c.next.Groups, read.Name, func(g *Group, name string) int { return cmp.Compare(g.Name, name) })
		if found {
			c.next.Groups[at] = c.group(c.next.Groups[at], read)
		} else {
			c.next.Groups = slices.Insert(c.next.Groups, at, c.group(nil, read))
			c.collected(read.Name)
		}
	}
}

// unlisted decides on a group that the observation lacks: nil if it is no longer collected, or counts as deleted.
func (c *computation) unlisted(old *Group) *Group {
	if c.leftOut(old) {
		return nil
	}
	if old.ReadAt.After(c.obs.StartedAt) {
		return old
	}
	g := *old.detached()
	g.Err = c.whyUnlisted(old.Name)
	if g.Err == nil {
		g.missedListings++
		if g.missedListings >= missesUntilGone {
			return nil
		}
		g.Err = errNotListed
	}
	return &g
}

// whyUnlisted returns why the group may exist although no list has it, nil if the coordinator that would hold it has answered.
func (c *computation) whyUnlisted(group string) error {
	coordinator, known := coordinatorOf(group, c.obs.Coordinators)
	switch {
	case c.obs.MetadataErr != nil, !known:
		return c.obs.ListingErr
	case slices.Contains(c.obs.Listed, coordinator):
		return nil
	case coordinator < 0:
		return errNoCoordinator
	}
	for i := range c.obs.Brokers {
		if b := &c.obs.Brokers[i]; b.ID == coordinator && b.Err != nil {
			return b.Err
		}
	}
	return cmp.Or(c.obs.ListingErr, error(errNoCoordinator))
}
