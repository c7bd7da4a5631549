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

// decideNeeds decides which offsets to read of each partition: the end of all in a collection of the whole cluster, and of the
// groups' partitions in one of single groups; the others where they are needed, see [Reader.Read].
func (c *collection) decideNeeds() {
	c.needs = make([][]need, len(c.obs.Topics))
	for i := range c.obs.Topics {
		c.needs[i] = make([]need, len(c.obs.Topics[i].Partitions))
		if !c.obs.Partial {
			for j := range c.needs[i] {
				c.want(i, j, needEnd)
			}
		}
	}
	for i := range c.obs.Groups {
		g := &c.obs.Groups[i]
		if g.CommitsErr == nil && !g.CommitsReadAt.IsZero() {
			c.groupNeeds(g)
		}
	}
}

// want adds a need, and with an end the start, if its time has come.
func (c *collection) want(topic, partition int, n need) {
	if c.needs[topic][partition]&needEnd == 0 && n&needEnd != 0 && c.startDue(topic, partition) {
		n |= needStart
	}
	c.needs[topic][partition] |= n
}

// startDue says whether the log start was never read, not the last time, or too long ago.
func (c *collection) startDue(topic, partition int) bool {
	known := c.known(topic, partition)
	if known == nil || known.Start.ReadAt.IsZero() || known.Start.Err != nil {
		return true
	}
	slow := c.reader.slow
	return slow.due(known.Start.ReadAt, c.obs.StartedAt, slow.hash(c.obs.Topics[topic].Name, partition))
}

// known returns what is known of the partition from before, nil if nothing is, or if it is of another topic of the same name.
func (c *collection) known(topic, partition int) *lag.Partition {
	t := &c.obs.Topics[topic]
	old := c.prev.Topic(t.Name)
	var none [16]byte
	if old == nil || old.ID != t.ID && old.ID != none && t.ID != none {
		return nil
	}
	if i := partitionAt(old.Partitions, t.Partitions[partition].Partition); i >= 0 {
		return &old.Partitions[i]
	}
	return nil
}

// groupNeeds adds what a group needs of its partitions: those with a commit, those assigned, and all of the topics subscribed to.
func (c *collection) groupNeeds(g *lag.GroupObservation) {
	policy := c.reader.cfg.Policy.Of(g.Name)
	each := needEnd
	if policy.ReadCommitted && g.Type != lag.GroupShare {
		each |= needStable
	}
	for i := range g.Commits {
		c.commitNeeds(&g.Commits[i], each)
	}
	if each == needEnd && !c.obs.Partial && policy.OffsetReset != lag.ResetEarliest {
		return // the ends of all are read anyway
	}
	uncommitted := each
	if policy.OffsetReset == lag.ResetEarliest {
		uncommitted |= needStart
	}
	for _, m := range c.members(g) {
		for _, name := range m.Subscribed {
			if topic := c.topicIndex(name); topic >= 0 {
				for j := range c.obs.Topics[topic].Partitions {
					c.memberNeeds(g, topic, j, each, uncommitted)
				}
			}
		}
		for _, a := range m.Assigned {
			topic := c.topicIndex(a.Topic)
			if topic < 0 {
				continue
			}
			for _, number := range a.Partitions {
				if j := partitionAt(c.obs.Topics[topic].Partitions, number); j >= 0 {
					c.memberNeeds(g, topic, j, each, uncommitted)
				}
			}
		}
	}
}

// memberNeeds adds what is needed of a partition that a member reads, by whether the group has a commit on it.
func (c *collection) memberNeeds(g *lag.GroupObservation, topic, partition int, committed, uncommitted need) {
	t := &c.obs.Topics[topic]
	i, found := slices.BinarySearchFunc(g.Commits, t.Name, func(t lag.TopicCommits, name string) int { return cmp.Compare(t.Topic, name) })
	if found {
		at, has := slices.BinarySearchFunc(g.Commits[i].Partitions, t.Partitions[partition].Partition,
			func(c lag.Commit, n int32) int { return cmp.Compare(c.Partition, n) })
		if has && g.Commits[i].Partitions[at].Offset != lag.NoOffset {
			c.want(topic, partition, committed)
			return
		}
	}
	c.want(topic, partition, uncommitted)
}

// commitNeeds adds what the partitions with commits on one topic need: where a commit lies before the log start that is known, the
// group has fallen behind what retention deletes, and the start is needed anew.
func (c *collection) commitNeeds(commits *lag.TopicCommits, each need) {
	topic := c.topicIndex(commits.Topic)
	if topic < 0 {
		return
	}
	old := c.prev.Topic(commits.Topic)
	for i := range commits.Partitions {
		commit := &commits.Partitions[i]
		partition := partitionAt(c.obs.Topics[topic].Partitions, commit.Partition)
		if partition < 0 {
			continue
		}
		c.want(topic, partition, each)
		if commit.Offset < 0 || old == nil {
			continue
		}
		if at := partitionAt(old.Partitions, commit.Partition); at >= 0 && commit.Offset < old.Partitions[at].Start.Value {
			c.want(topic, partition, needStart)
		}
	}
}

// partitionAt returns where the partition of that number stands, -1 if it does not. Partitions nearly always have the numbers of
// their places.
func partitionAt(partitions []lag.Partition, number int32) int {
	if number >= 0 && int(number) < len(partitions) && partitions[number].Partition == number {
		return int(number)
	}
	low, high := 0, len(partitions)
	for low < high { // slices.BinarySearchFunc would copy each of these large structs
		middle := (low + high) / 2
		switch order := cmp.Compare(partitions[middle].Partition, number); {
		case order == 0:
			return middle
		case order < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return -1
}
