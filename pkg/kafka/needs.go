package kafka

import (
	"cmp"
	"slices"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// need says which offsets of a partition's log to read.
type need uint8

const (
	needEnd need = 1 << iota
	needStart
	needStable
)

// topicNeeds says what to read of the partitions of one topic.
type topicNeeds struct {
	all  need       // of all partitions
	more []need     // of each partition beyond that, by the index of lag.Topic.Partitions; nil if that is nothing
	any  need       // of some partition or other
	old  *lag.Topic // what is known of the topic from before; nil if that is nothing, or of another topic of the same name
	// sameNumbers says that old has the same partitions at the same indexes.
	sameNumbers bool
}

func (n *topicNeeds) of(partition int) need {
	if n.more == nil {
		return n.all
	}
	return n.all | n.more[partition]
}

// decideNeeds decides which offsets to read of each partition: the end of all in a collection of the whole cluster, and of the
// groups' partitions in one of single groups; the others where they are needed, see [Reader.Read].
func (c *collection) decideNeeds() {
	c.needs = make([]topicNeeds, len(c.obs.Topics))
	for i := range c.obs.Topics {
		t, n := &c.obs.Topics[i], &c.needs[i]
		n.old = c.knownTopic(t, i)
		n.sameNumbers = n.old != nil && lag.SamePartitions(n.old.Partitions, t.Partitions)
		if !c.obs.Partial {
			n.all = needEnd
			if c.startsDue(t, n) {
				n.all |= needStart
			}
			n.any = n.all
		}
	}
	for i := range c.obs.Groups {
		g := &c.obs.Groups[i]
		if g.CommitsErr == nil && !g.CommitsReadAt.IsZero() {
			c.groupNeeds(g)
		}
	}
}

// knownTopic returns what is known of the topic from before, nil if nothing is, or if it was another topic of the same name. It is
// likely to stand at that index.
func (c *collection) knownTopic(t *lag.Topic, index int) *lag.Topic {
	var old *lag.Topic
	if before := c.prev.Topics; index < len(before) && before[index].Name == t.Name {
		old = before[index]
	} else {
		old = c.prev.Topic(t.Name)
	}
	var none [16]byte
	if old == nil || old.ID != t.ID && old.ID != none && t.ID != none {
		return nil
	}
	return old
}

// startsDue says whether the log starts of a topic must be read: some were never read, or not the last time, or too long ago.
func (c *collection) startsDue(t *lag.Topic, n *topicNeeds) bool {
	if len(t.Partitions) == 0 {
		return false
	}
	if !n.sameNumbers {
		return true
	}
	readAt, whole := n.old.Starts.Oldest()
	return !whole || c.reader.slow.due(readAt, c.obs.StartedAt, c.reader.slow.hash(t.Name))
}

// want adds a need of one partition, and with an end the start, if that was never read or not the last time.
func (c *collection) want(topic, partition int, more need) {
	n := &c.needs[topic]
	if c.obs.Partial && more&needEnd != 0 && n.of(partition)&needEnd == 0 && n.startUnknown(&c.obs.Topics[topic], partition) {
		more |= needStart
	}
	if n.all&more == more {
		return
	}
	if n.more == nil {
		n.more = make([]need, len(c.obs.Topics[topic].Partitions))
	}
	n.more[partition] |= more
	n.any |= more
}

func (n *topicNeeds) startUnknown(t *lag.Topic, partition int) bool {
	start := n.start(t, partition)
	return start.ReadAt.IsZero() || start.Err != nil
}

// start returns what is known of the partition's log start.
func (n *topicNeeds) start(t *lag.Topic, partition int) lag.Offset {
	if n.old == nil {
		return lag.Offset{}
	}
	if n.sameNumbers {
		return n.old.Starts.At(partition)
	}
	return n.old.Starts.At(n.old.Index(t.Partitions[partition].Partition))
}

// groupNeeds adds what a group needs of its partitions: those with a commit, those assigned, and all of the topics subscribed to.
func (c *collection) groupNeeds(g *lag.GroupObservation) {
	policy := c.policyNow(g)
	each := needEnd
	if policy.ReadCommitted && g.Type != lag.GroupShare {
		each |= needStable
	}
	uncommitted := each
	if policy.OffsetReset == lag.ResetEarliest {
		uncommitted |= needStart
	}
	for i := range g.Commits {
		c.commitNeeds(g.Type, &g.Commits[i], each, uncommitted)
	}
	if each == needEnd && !c.obs.Partial && policy.OffsetReset != lag.ResetEarliest {
		return // the ends of all are read anyway
	}
	for _, m := range c.members(g) {
		for _, name := range m.Subscribed {
			if topic := c.topicIndex(name); topic >= 0 {
				c.memberNeeds(g, topic, nil, each, uncommitted)
			}
		}
		for _, a := range m.Assigned {
			if topic := c.topicIndex(a.Topic); topic >= 0 {
				c.memberNeeds(g, topic, a.Partitions, each, uncommitted)
			}
		}
	}
}

// memberNeeds adds what is needed of partitions that a member reads, all of the topic if numbers is nil, by whether the group has a
// commit on them.
func (c *collection) memberNeeds(g *lag.GroupObservation, topic int, numbers []int32, committed, uncommitted need) {
	t := &c.obs.Topics[topic]
	commits := committedOn(g.Commits, t.Name)
	add := func(at int) {
		if commits.committed(t.Partitions[at].Partition) {
			c.want(topic, at, committed)
		} else {
			c.want(topic, at, uncommitted)
		}
	}
	if numbers == nil {
		for at := range t.Partitions {
			add(at)
		}
	}
	for _, number := range numbers {
		if at := t.Index(number); at >= 0 {
			add(at)
		}
	}
}

// commitNeeds adds what the partitions with commits on one topic need: where a commit lies before the log start that is known, the
// group has fallen behind what retention deletes, and the start is needed anew.
func (c *collection) commitNeeds(kind lag.GroupType, commits *lag.TopicCommits, each, uncommitted need) {
	topic := c.topicIndex(commits.Topic)
	if topic < 0 {
		return
	}
	t, n := &c.obs.Topics[topic], &c.needs[topic]
	var starts []int64 // as far as they are known
	if n.sameNumbers {
		starts = n.old.Starts.Values
	}
	behind, otherEpoch := remarkable(commits.Partitions, t.Partitions, starts)
	if otherEpoch && kind != lag.GroupShare { // the epoch of its start offset is not the one of a record
		c.noteEpochs(topic, commits)
	}
	if n.all&(each|needStart) == each|needStart || n.all&each == each && !behind {
		return // all is read anyway
	}
	for i := range commits.Partitions {
		commit := &commits.Partitions[i]
		at := t.Index(commit.Partition)
		if at < 0 {
			continue
		}
		c.want(topic, at, each)
		if commit.Offset < 0 { // of a share group that has acknowledged nothing
			c.want(topic, at, uncommitted)
		} else if commit.Offset < n.start(t, at).Value {
			c.want(topic, at, needStart)
		}
	}
}

// remarkable says whether some commit may lie before its log start, and whether some was made in another leader epoch than the leader's.
func remarkable(commits []lag.Commit, partitions []lag.Partition, starts []int64) (behind, otherEpoch bool) {
	for i := range commits {
		commit := &commits[i]
		at := int(commit.Partition)
		if at < 0 || at >= len(partitions) || partitions[at].Partition != commit.Partition {
			return true, true
		}
		behind = behind || at >= len(starts) || commit.Offset < starts[at]
		otherEpoch = otherEpoch || commit.LeaderEpoch != partitions[at].LeaderEpoch
	}
	return behind, otherEpoch
}

// topicCommitted finds the commits on one topic.
type topicCommitted []lag.Commit

func committedOn(commits []lag.TopicCommits, topic string) topicCommitted {
	i, found := slices.BinarySearchFunc(commits, topic, func(t lag.TopicCommits, name string) int { return cmp.Compare(t.Topic, name) })
	if !found {
		return nil
	}
	return commits[i].Partitions
}

// committed says whether there is a commit on the partition.
func (t topicCommitted) committed(partition int32) bool {
	if at := int(partition); at >= 0 && at < len(t) && t[at].Partition == partition { // nearly always
		return t[at].Offset != lag.NoOffset
	}
	at, found := slices.BinarySearchFunc(t, partition, func(c lag.Commit, n int32) int { return cmp.Compare(c.Partition, n) })
	return found && t[at].Offset != lag.NoOffset
}
