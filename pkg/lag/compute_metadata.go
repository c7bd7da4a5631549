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
	t.mergeOffsets(old, read, listed, c.obs.StartedAt)
	t.mergeEpochEnds(old, read, c.obs.Partial)
	return &t
}

// anotherTopic says whether the topic was deleted and created anew. Brokers before Metadata v10 give no ids.
func anotherTopic(old, read *Topic) bool {
	var none [16]byte
	return old.ID != read.ID && old.ID != none && read.ID != none
}

// mergeOffsets gives each partition the later readings of its offsets.
func (t *Topic) mergeOffsets(old, read, listed *Topic, startedAt time.Time) {
	t.Partitions = slices.Clone(listed.Partitions)
	unknown, moved := Partition{LeaderEpoch: -1}, false
	for i := range t.Partitions {
		p := &t.Partitions[i]
		before := &unknown
		if old != nil {
			if o := old.at(i, p.Partition); o != nil {
				before = o
			}
		}
		r := read.at(i, p.Partition)
		if r == nil { // added since the reading began
			continue
		}
		p.Start = before.Start.merged(r.Start, startedAt)
		p.End = before.End.merged(r.End, startedAt)
		p.LastStable = before.LastStable.merged(r.LastStable, startedAt)
		p.LeaderEpoch = before.LeaderEpoch
		if p.End.Err == nil && !r.End.ReadAt.IsZero() && p.End.ReadAt.Equal(r.End.ReadAt) {
			p.LeaderEpoch = r.LeaderEpoch
		}
		moved = moved || before.Start.Value != p.Start.Value || p.LeaderEpoch < before.LeaderEpoch
	}
	if t.version = new(version); old != nil && !moved {
		t.version = old.version
	}
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
		t.Partitions = nil
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
	c.Partitions = slices.Clone(t.Partitions)
	for i := range c.Partitions {
		p := &c.Partitions[i]
		p.Start, p.End = p.Start.failed(err, since), p.End.failed(err, since)
		if !p.LastStable.ReadAt.IsZero() {
			p.LastStable = p.LastStable.failed(err, since)
		}
	}
	return &c
}

// at returns the partition of that number, which most likely stands at that index; nil if the topic has none.
func (t *Topic) at(index int, number int32) *Partition {
	if index >= 0 && index < len(t.Partitions) && t.Partitions[index].Partition == number {
		return &t.Partitions[index]
	}
	low, high := 0, len(t.Partitions)
	for low < high { // slices.BinarySearchFunc would copy each of these large structs
		middle := (low + high) / 2
		switch order := cmp.Compare(t.Partitions[middle].Partition, number); {
		case order == 0:
			return &t.Partitions[middle]
		case order < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return nil
}

// partition returns the partition of that number, nil if the topic has none.
func (t *Topic) partition(number int32) *Partition { return t.at(int(number), number) }

// merged returns the later of what is known and what was read; what was not read keeps what is known, with the reason.
func (o Offset) merged(read Offset, startedAt time.Time) Offset {
	if read.Err == nil && read.Value < 0 && !read.ReadAt.IsZero() {
		read = Offset{Err: contradiction("ListOffsets", ClassProtocol, "an offset of %d", read.Value)}
	}
	switch {
	case read.Err != nil:
		return o.failed(read.Err, startedAt)
	case read.ReadAt.Before(o.ReadAt): // also where it was not asked for
		return o
	}
	return read
}

// failed returns the offset with the reason why it could not be read, unless it was read since then.
func (o Offset) failed(err error, since time.Time) Offset {
	if o.ReadAt.After(since) {
		return o
	}
	o.Err = err
	return o
}
