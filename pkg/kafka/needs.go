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
	total := 0
	for i := range c.obs.Topics {
		total += len(c.obs.Topics[i].Partitions)
	}
	arena := make([]need, total)
	c.needs, c.known = make([][]need, len(c.obs.Topics)), make([]*lag.Topic, len(c.obs.Topics))
	for i := range c.obs.Topics {
		n := len(c.obs.Topics[i].Partitions)
		c.needs[i], arena = arena[:n:n], arena[n:]
		c.known[i] = c.knownTopic(&c.obs.Topics[i])
		if !c.obs.Partial {
			hash := c.reader.slow.hash(c.obs.Topics[i].Name)
			for j := range c.needs[i] {
				c.needs[i][j] = needEnd | c.startDue(i, j, hash)
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

// knownTopic returns what is known of the topic from before, nil if nothing is, or if it was another topic of the same name.
func (c *collection) knownTopic(t *lag.Topic) *lag.Topic {
	old := c.prev.Topic(t.Name)
	var none [16]byte
	if old == nil || old.ID != t.ID && old.ID != none && t.ID != none {
		return nil
	}
	return old
}

// want adds a need, and with an end the start, if its time has come.
func (c *collection) want(topic, partition int, n need) {
	if c.needs[topic][partition]&needEnd == 0 && n&needEnd != 0 {
		n |= c.startDue(topic, partition, c.reader.slow.hash(c.obs.Topics[topic].Name))
	}
	c.needs[topic][partition] |= n
}

// startDue returns needStart if the log start was never read, not the last time, or too long ago. hash is the topic's.
func (c *collection) startDue(topic, partition int, hash uint32) need {
	known := c.knownPartition(topic, partition)
	slow := c.reader.slow
	if known == nil || known.Start.ReadAt.IsZero() || known.Start.Err != nil ||
		slow.due(known.Start.ReadAt, c.obs.StartedAt, slow.nth(hash, partition)) {
		return needStart
	}
	return 0
}

// knownPartition returns what is known of the partition from before, nil if nothing is.
func (c *collection) knownPartition(topic, partition int) *lag.Partition {
	old := c.known[topic]
	if old == nil {
		return nil
	}
	if i := partitionAt(old.Partitions, c.obs.Topics[topic].Partitions[partition].Partition); i >= 0 {
		return &old.Partitions[i]
	}
	return nil
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
		c.commitNeeds(&g.Commits[i], each, uncommitted)
		if g.Type != lag.GroupShare { // the epoch of its start offset is not the one of a record
			c.noteEpochs(&g.Commits[i])
		}
	}
	if each == needEnd && !c.obs.Partial && policy.OffsetReset != lag.ResetEarliest {
		return // the ends of all are read anyway
	}
	for _, m := range c.members(g) {
		c.subscribedNeeds(g, m.Subscribed, each, uncommitted)
		c.assignedNeeds(g, m.Assigned, each, uncommitted)
	}
}

func (c *collection) subscribedNeeds(g *lag.GroupObservation, topics []string, committed, uncommitted need) {
	for _, name := range topics {
		if topic := c.topicIndex(name); topic >= 0 {
			for j := range c.obs.Topics[topic].Partitions {
				c.memberNeeds(g, topic, j, committed, uncommitted)
			}
		}
	}
}

func (c *collection) assignedNeeds(g *lag.GroupObservation, assigned []lag.TopicPartitions, committed, uncommitted need) {
	for _, a := range assigned {
		topic := c.topicIndex(a.Topic)
		if topic < 0 {
			continue
		}
		for _, number := range a.Partitions {
			if j := partitionAt(c.obs.Topics[topic].Partitions, number); j >= 0 {
				c.memberNeeds(g, topic, j, committed, uncommitted)
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
func (c *collection) commitNeeds(commits *lag.TopicCommits, each, uncommitted need) {
	topic := c.topicIndex(commits.Topic)
	if topic < 0 {
		return
	}
	for i := range commits.Partitions {
		commit := &commits.Partitions[i]
		partition := partitionAt(c.obs.Topics[topic].Partitions, commit.Partition)
		if partition < 0 {
			continue
		}
		c.want(topic, partition, each)
		if commit.Offset < 0 { // of a share group that has acknowledged nothing
			c.want(topic, partition, uncommitted)
			continue
		}
		if known := c.knownPartition(topic, partition); known != nil && commit.Offset < known.Start.Value {
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
