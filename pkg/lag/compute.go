package lag

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// Policy is what the operator decides where offsets alone do not.
type Policy struct {
	// OffsetReset says where a group starts on a partition on which it has committed nothing: the consumers'
	// auto.offset.reset, which the brokers do not know.
	OffsetReset OffsetReset
}

// OffsetReset is a consumer's auto.offset.reset.
type OffsetReset int

// The resets. The zero value is Kafka's own default.
const (
	ResetLatest   OffsetReset = iota // starts at the end: a lag of 0
	ResetEarliest                    // starts at the log start: a lag of the whole log
)

// missesUntilGone is how many times in a row the brokers must say that a group or topic is not there before it counts as deleted.
// One answer alone may have been given while the group moved from one coordinator to another, or by a broker that had not
// heard of the topic.
const missesUntilGone = 2

var (
	errNotListed = &ReadError{Class: ClassNotFound, Broker: -1, Op: "ListGroups",
		Err: errors.New("the group was missing from the latest list of groups; if it is missing again it counts as deleted")}
	errNeverRead  = &ReadError{Class: ClassOther, Broker: -1, Op: "OffsetFetch", Err: errors.New("the commits were never read")}
	errNoMembers  = &ReadError{Class: ClassOther, Broker: -1, Op: "DescribeGroups", Err: errors.New("the members were not read")}
	errRebalances = &ReadError{Class: ClassCoordinator, Broker: -1, Op: "DescribeGroups",
		Err: errors.New("the group rebalances, and only after that does it tell its topics")}
	errTwoAnswers = &ReadError{Class: ClassProtocol, Broker: -1, Op: "OffsetFetch", Err: errors.New("two answers for one topic")}
)

// Compute works out the snapshot that follows prev from what was read. prev may be nil; neither argument is changed, and the
// result shares memory with both.
func Compute(prev *Snapshot, obs *Observation, policy Policy) *Snapshot {
	if prev == nil {
		prev = &Snapshot{Cluster: obs.Cluster}
	}
	next := &Snapshot{Cluster: obs.Cluster, TakenAt: obs.StartedAt, ListingErr: obs.ListingErr, ListedAt: prev.ListedAt}
	if obs.ListingErr == nil {
		next.ListedAt = obs.StartedAt
	}
	computeMetadata(next, prev, obs)
	computeGroups(next, prev, obs, policy)
	return next
}

// computeGroups walks the sorted groups of the previous snapshot and of the observation side by side.
func computeGroups(next, prev *Snapshot, obs *Observation, policy Policy) {
	next.Groups = make([]*Group, 0, max(len(prev.Groups), len(obs.Groups)))
	old, read := prev.Groups, obs.Groups
	for len(old) > 0 || len(read) > 0 {
		switch {
		case len(read) == 0 || len(old) > 0 && old[0].Name < read[0].Name:
			if g := keepUnlisted(old[0], obs.ListingErr); g != nil {
				next.Groups = append(next.Groups, g)
			}
			old = old[1:]
		case len(old) == 0 || read[0].Name < old[0].Name:
			next.Groups = append(next.Groups, computeGroup(nil, &read[0], next, policy))
			read = read[1:]
		default:
			next.Groups = append(next.Groups, computeGroup(old[0], &read[0], next, policy))
			old, read = old[1:], read[1:]
		}
	}
}

// keepUnlisted decides on a group that the list of groups lacked: nil if it counts as deleted.
func keepUnlisted(old *Group, listingErr error) *Group {
	g := *old
	g.Err = listingErr
	if listingErr == nil {
		g.missedListings++
		if g.missedListings >= missesUntilGone {
			return nil
		}
		g.Err = errNotListed
	}
	return &g
}

// computeGroup works out one group from its observation. What could not be read comes from old, with its older time.
func computeGroup(old *Group, read *GroupObservation, next *Snapshot, policy Policy) *Group {
	g := &Group{
		Name: read.Name, Type: read.Type, ProtocolType: read.ProtocolType, State: read.State, Coordinator: read.Coordinator,
		MembersErr: read.MembersErr, MembersReadAt: read.MembersReadAt, Members: read.Members,
	}
	if g.MembersErr == nil && read.MembersReadAt.IsZero() && read.CommitsErr == nil {
		g.MembersErr = errNoMembers
	}
	if read.MembersReadAt.IsZero() || g.MembersErr != nil {
		g.MembersReadAt, g.Members = time.Time{}, nil
		if old != nil {
			g.MembersReadAt, g.Members, g.State, g.ProtocolType = old.MembersReadAt, old.Members, old.State, old.ProtocolType
		}
	}
	if g.Err = whyUnreadable(g, old, read, next, policy); g.Err != nil {
		if old != nil {
			g.ReadAt, g.Topics, g.DeletedTopics = old.ReadAt, old.Topics, old.DeletedTopics
			g.LastComplete, g.left = old.LastComplete, old.left
		}
		return g
	}
	g.ReadAt = read.CommitsReadAt
	computeTopics(g, old, read, next, policy)
	if g.incompleteErr() != nil && old != nil {
		g.LastComplete, g.left = old.complete(), g.leftSince(old)
	}
	return g
}

// whyUnreadable returns why nothing can be said of the group's partitions from this observation, nil if something can.
func whyUnreadable(g, old *Group, read *GroupObservation, next *Snapshot, policy Policy) error {
	// Members tell which partitions without a commit belong to the group. Under ResetLatest those add nothing.
	needsMembers := policy.OffsetReset == ResetEarliest
	switch {
	case read.CommitsErr != nil:
		return read.CommitsErr
	case read.CommitsReadAt.IsZero():
		return errNeverRead
	case next.MetadataErr != nil:
		return next.MetadataErr
	case needsMembers && g.MembersErr != nil:
		return g.MembersErr
	case needsMembers && g.rebalancing() && (old == nil || old.ReadAt.IsZero()):
		return errRebalances
	}
	return nil
}

// computeTopics fills g.Topics with committed ∪ assigned ∪ all partitions of subscribed topics.
func computeTopics(g, old *Group, read *GroupObservation, next *Snapshot, policy Policy) {
	owned := membership(g.Members)
	if old != nil && g.rebalancing() {
		owned.keep(old.Topics)
	}
	names := owned.topics()
	for i := range read.Commits {
		names = append(names, read.Commits[i].Topic)
	}
	slices.Sort(names)
	names = slices.Compact(names)

	g.Topics = make([]TopicLag, 0, len(names))
	for _, name := range names {
		c := topicComputation{
			topic: next.Topic(name), readAt: g.ReadAt, policy: policy,
			assigned: owned.assigned[name], subscribed: owned.subscribed[name],
		}
		c.commits, c.commitsErr = commitsOf(read.Commits, name)
		if c.topic != nil && c.topic.deleted() {
			if len(c.commits) > 0 {
				g.DeletedTopics = append(g.DeletedTopics, name)
			}
			continue
		}
		if t := c.lag(name, old.topic(name)); len(t.Partitions) > 0 || t.moreRows {
			g.Topics = append(g.Topics, t)
		}
	}
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

// topic returns the group's lag on the topic, nil if g is nil or has none.
func (g *Group) topic(name string) *TopicLag {
	if g == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(g.Topics, name, func(t TopicLag, name string) int { return cmp.Compare(t.Topic, name) })
	if !ok {
		return nil
	}
	return &g.Topics[i]
}

// rebalancing says whether the members do not tell their topics now, as those of a classic group do only while it is stable.
func (g *Group) rebalancing() bool {
	return g.Type == GroupClassic && (g.State == "PreparingRebalance" || g.State == "CompletingRebalance")
}

func commitsOf(topics []TopicCommits, name string) ([]Commit, error) {
	i, ok := slices.BinarySearchFunc(topics, name, func(t TopicCommits, name string) int { return cmp.Compare(t.Topic, name) })
	if !ok {
		return nil, nil
	}
	if i+1 < len(topics) && topics[i+1].Topic == name {
		return topics[i].Partitions, errTwoAnswers
	}
	return topics[i].Partitions, nil
}

// memberTopics is what the members of a group tell about its topics.
type memberTopics struct {
	subscribed map[string]bool
	assigned   map[string][]int32 // of topics that nobody subscribes to: manual assignments, or a subscription just given up
}

func membership(members []Member) memberTopics {
	m := memberTopics{subscribed: map[string]bool{}, assigned: map[string][]int32{}}
	for i := range members {
		for _, topic := range members[i].Subscribed {
			m.subscribed[topic] = true
		}
	}
	for i := range members {
		for _, a := range members[i].Assigned {
			if !m.subscribed[a.Topic] {
				m.assigned[a.Topic] = append(m.assigned[a.Topic], a.Partitions...)
			}
		}
	}
	return m
}

// keep adds the partitions of a reading before, all of them where it could not tell which the group has.
func (m memberTopics) keep(topics []TopicLag) {
	for i := range topics {
		if topics[i].moreRows {
			m.subscribed[topics[i].Topic] = true
		}
		for j := range topics[i].Partitions {
			m.assigned[topics[i].Topic] = append(m.assigned[topics[i].Topic], topics[i].Partitions[j].Partition)
		}
	}
}

func (m memberTopics) topics() []string {
	names := make([]string, 0, len(m.subscribed)+len(m.assigned))
	for topic := range m.subscribed {
		names = append(names, topic)
	}
	for topic := range m.assigned {
		names = append(names, topic)
	}
	return names
}
