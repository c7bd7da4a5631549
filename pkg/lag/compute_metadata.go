package lag

import (
	"cmp"
	"slices"
	"time"
)

// computeMetadata fills brokers and topics. What could not be read keeps the offsets of the previous snapshot.
func (c *computation) computeMetadata() {
	next, obs := c.next, c.obs
	next.MetadataErr = obs.MetadataErr
	if obs.MetadataErr != nil {
		next.Topics = make([]*Topic, len(c.prev.Topics))
		for i, t := range c.prev.Topics {
			next.Topics[i] = t.failed(obs.MetadataErr, obs.StartedAt)
		}
		return
	}
	next.MetadataReadAt, next.Brokers = obs.MetadataReadAt, obs.Brokers
	next.Topics = make([]*Topic, 0, len(obs.Topics))
	old := c.prev.Topics
	for i := range obs.Topics {
		read := &obs.Topics[i]
		for len(old) > 0 && old[0].Name < read.Name {
			old = old[1:]
		}
		var before *Topic
		if len(old) > 0 && old[0].Name == read.Name {
			before = old[0]
		}
		next.Topics = append(next.Topics, c.topic(before, read))
	}
}

// mergeTopics replaces the topics that were read.
func (c *computation) mergeTopics() {
	c.next.Topics = slices.Clone(c.prev.Topics)
	for i := range c.obs.Topics {
		read := &c.obs.Topics[i]
		at, found := slices.BinarySearchFunc(c.next.Topics, read.Name, compareTopic)
		if found {
			c.next.Topics[at] = c.topic(c.next.Topics[at], read)
		} else {
			c.next.Topics = slices.Insert(c.next.Topics, at, c.topic(nil, read))
		}
	}
}

// topic works out what is known of a topic from what was known, which is nil if nothing was, and what was read.
func (c *computation) topic(old, read *Topic) *Topic {
	readAt := read.ReadAt
	if readAt.IsZero() {
		readAt = c.obs.MetadataReadAt
	}
	if err := whyTopicUnreadable(read); err != nil {
		if old != nil && old.Err == nil && old.ReadAt.After(c.obs.StartedAt) {
			return old
		}
		return unreadTopic(old, read, err, c.obs.StartedAt)
	}
	listed := read // whose partitions and leaders are later
	switch {
	case old == nil:
	case old.Err == nil && old.ReadAt.After(readAt):
		if anotherTopic(old, read) {
			return old
		}
		listed, readAt = old, old.ReadAt
	case anotherTopic(old, read):
		old = nil // the old offsets are of another log
	}
	t := *listed
	t.Err, t.ReadAt, t.missed = nil, readAt, 0
	t.mergeOffsets(old, read, c.obs.StartedAt)
	t.mergeEpochEnds(old, read, c.obs.Partial)
	return &t
}

// anotherTopic says whether the topic was deleted and created anew. Brokers before Metadata v10 give no ids.
func anotherTopic(old, read *Topic) bool {
	var none [16]byte
	return old.ID != read.ID && old.ID != none && read.ID != none
}

// mergeOffsets takes the later readings of each partition's offsets. Unless they are mixed, they are taken as they are.
func (t *Topic) mergeOffsets(old, read *Topic, startedAt time.Time) {
	if old == nil {
		old = &Topic{}
	}
	m := offsetMerge{partitions: t.Partitions, old: old, read: read, startedAt: startedAt}
	m.sameOld, m.sameRead = SamePartitions(old.Partitions, t.Partitions), SamePartitions(read.Partitions, t.Partitions)
	t.Starts = m.merged(&old.Starts, &read.Starts)
	t.Ends = m.merged(&old.Ends, &read.Ends)
	t.LastStables = m.merged(&old.LastStables, &read.LastStables)
	t.LeaderEpochs = m.leaderEpochs(&t.Ends)
	if t.version = new(version); old.version != nil && !m.moved(&t.Starts, t.LeaderEpochs) {
		t.version = old.version
	}
}

// offsetMerge merges the offsets of one topic.
type offsetMerge struct {
	partitions        []Partition
	old, read         *Topic
	sameOld, sameRead bool // they have the same partitions at the same indexes
	startedAt         time.Time
}

// SamePartitions says whether both have the same partitions at the same indexes.
func SamePartitions(a, b []Partition) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] {
		return true
	}
	for i := range a {
		if a[i].Partition != b[i].Partition {
			return false
		}
	}
	return true
}

func (m *offsetMerge) merged(old, read *Offsets) Offsets {
	switch {
	case m.sameOld && !read.asked():
		return *old
	case m.sameRead && read.whole(len(m.partitions)) && !old.readAfter(read.ReadAt):
		return *read
	}
	each := make([]Offset, len(m.partitions))
	for i := range each {
		number := m.partitions[i].Partition
		if at := m.old.at(i, number); at >= 0 {
			each[i] = old.At(at)
		}
		if at := m.read.at(i, number); at >= 0 { // else it was added since the reading began
			each[i] = each[i].merged(read.At(at), m.startedAt)
		}
	}
	return NewOffsets(each...)
}

// leaderEpochs returns the epochs that the leaders told with these ends.
func (m *offsetMerge) leaderEpochs(ends *Offsets) []int32 {
	switch {
	case m.sameRead && len(m.read.Ends.Values) > 0 && len(ends.Values) > 0 && &ends.Values[0] == &m.read.Ends.Values[0]:
		if m.sameOld && slices.Equal(m.old.LeaderEpochs, m.read.LeaderEpochs) {
			return m.old.LeaderEpochs
		}
		return m.read.LeaderEpochs
	case m.sameOld && !m.read.Ends.asked():
		return m.old.LeaderEpochs
	}
	epochs := make([]int32, len(m.partitions))
	for i := range epochs {
		number := m.partitions[i].Partition
		epochs[i] = m.old.leaderEpoch(m.old.at(i, number))
		at := m.read.at(i, number)
		if read := m.read.Ends.At(at); !read.ReadAt.IsZero() && ends.At(i).Err == nil && ends.At(i).ReadAt.Equal(read.ReadAt) {
			epochs[i] = m.read.leaderEpoch(at)
		}
	}
	return epochs
}

// moved says whether a log start has moved, or a leader epoch gone back.
func (m *offsetMerge) moved(starts *Offsets, epochs []int32) bool {
	if !m.sameOld || !slices.Equal(starts.Values, m.old.Starts.Values) {
		return true
	}
	if len(epochs) > 0 && len(m.old.LeaderEpochs) > 0 && &epochs[0] == &m.old.LeaderEpochs[0] {
		return false
	}
	for i := range m.partitions {
		if epochAt(epochs, i) < m.old.leaderEpoch(i) {
			return true
		}
	}
	return false
}

func whyTopicUnreadable(read *Topic) error {
	if read.Err != nil {
		return read.Err
	}
	for i := range read.Partitions {
		if i > 0 && read.Partitions[i].Partition == read.Partitions[i-1].Partition {
			return contradiction("Metadata", ClassProtocol, "two answers for partition %d", read.Partitions[i].Partition)
		}
	}
	return nil
}

// unreadTopic keeps what is known of a topic that could not be read. One that was there before counts as deleted only when the
// brokers say so again.
func unreadTopic(old, read *Topic, err error, startedAt time.Time) *Topic {
	t := &Topic{Name: read.Name, ID: read.ID, missed: missesUntilGone - 1, version: new(version)}
	if old != nil {
		t = old.failed(err, startedAt)
	}
	t.Err = err
	if ClassOf(err) == ClassNotFound {
		t.missed++
	}
	if t.deleted() {
		t.Partitions, t.Starts, t.Ends, t.LastStables, t.LeaderEpochs = nil, Offsets{}, Offsets{}, Offsets{}, nil
	}
	return t
}

// deleted says whether the brokers confirmed that the topic does not exist.
func (t *Topic) deleted() bool {
	return ClassOf(t.Err) == ClassNotFound && t.missed >= missesUntilGone
}

// failed returns the topic with an error on all that was not read since then.
func (t *Topic) failed(err error, since time.Time) *Topic {
	c := *t
	if !t.ReadAt.After(since) {
		c.Err = err
	}
	c.Starts, c.Ends = t.Starts.failed(err, since), t.Ends.failed(err, since)
	if t.LastStables.Values != nil {
		c.LastStables = t.LastStables.failed(err, since)
	}
	return &c
}

// at returns the index of the partition of that number, which most likely is that one; -1 if the topic has none.
func (t *Topic) at(index int, number int32) int {
	if index >= 0 && index < len(t.Partitions) && t.Partitions[index].Partition == number {
		return index
	}
	index, found := slices.BinarySearchFunc(t.Partitions, number, func(p Partition, n int32) int { return cmp.Compare(p.Partition, n) })
	if !found {
		return -1
	}
	return index
}

// Index returns where the partition of that number stands in Partitions, -1 if the topic has none.
func (t *Topic) Index(number int32) int { return t.at(int(number), number) }

// leaderEpoch returns the epoch that the leader told with the partition's end, -1 if it did not.
func (t *Topic) leaderEpoch(index int) int32 { return epochAt(t.LeaderEpochs, index) }

func epochAt(epochs []int32, index int) int32 {
	if index < 0 || index >= len(epochs) {
		return -1
	}
	return epochs[index]
}

// partitionLog is what is known of the log of one partition.
type partitionLog struct {
	start, end, lastStable Offset
	leaderEpoch            int32 // -1 if it is not known
}

// log returns what is known of the partition of that number, nil if the topic has none.
func (t *Topic) log(number int32) *partitionLog {
	at := t.Index(number)
	if at < 0 {
		return nil
	}
	return &partitionLog{start: t.Starts.At(at), end: t.Ends.At(at), lastStable: t.LastStables.At(at), leaderEpoch: t.leaderEpoch(at)}
}
