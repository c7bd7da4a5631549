package lag

import (
	"slices"
	"time"
)

// computeMetadata fills brokers and topics. What could not be read keeps the offsets of the previous snapshot.
func computeMetadata(next, prev *Snapshot, obs *Observation) {
	next.MetadataErr = obs.MetadataErr
	if obs.MetadataErr != nil {
		next.MetadataReadAt, next.Brokers = prev.MetadataReadAt, prev.Brokers
		next.Topics = make([]Topic, len(prev.Topics))
		for i := range prev.Topics {
			next.Topics[i] = prev.Topics[i].withErr(obs.MetadataErr)
		}
		return
	}
	next.MetadataReadAt, next.Brokers = obs.MetadataReadAt, obs.Brokers
	next.Topics = make([]Topic, 0, len(obs.Topics))
	for i := range obs.Topics {
		next.Topics = append(next.Topics, computeTopic(prev.Topic(obs.Topics[i].Name), &obs.Topics[i], obs.MetadataReadAt))
	}
}

func computeTopic(old, read *Topic, readAt time.Time) Topic {
	if old != nil && old.ID != read.ID && read.Err == nil {
		old = nil // deleted and created again: the old offsets are of another log
	}
	if err := whyTopicUnreadable(read); err != nil {
		return unreadTopic(old, read, err)
	}
	t := *read
	t.ReadAt = readAt
	t.Partitions = slices.Clone(read.Partitions)
	for i := range t.Partitions {
		p := &t.Partitions[i]
		p.Start, p.End = p.Start.checked(), p.End.checked()
		if old == nil {
			continue
		}
		if before := old.partition(p.Partition); before != nil {
			p.Start, p.End = p.Start.or(before.Start), p.End.or(before.End)
		}
	}
	return t
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
func unreadTopic(old, read *Topic, err error) Topic {
	t := Topic{Name: read.Name, ID: read.ID, missed: missesUntilGone - 1}
	if old != nil {
		t = old.withErr(err)
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

// withErr returns the topic with an error on all that could not be read anew.
func (t *Topic) withErr(err error) Topic {
	c := *t
	c.Err = err
	c.Partitions = slices.Clone(t.Partitions)
	for i := range c.Partitions {
		c.Partitions[i].Start.Err, c.Partitions[i].End.Err = err, err
	}
	return c
}

// checked rejects an offset that no log has.
func (o Offset) checked() Offset {
	switch {
	case o.Err != nil:
		return Offset{Err: o.Err}
	case o.ReadAt.IsZero():
		return Offset{Err: contradiction("ListOffsets", ClassOther, "the offset was not read")}
	case o.Value < 0:
		return Offset{Err: contradiction("ListOffsets", ClassProtocol, "an offset of %d", o.Value)}
	}
	return o
}

// or returns the offset if it was read, else the one before it with the reason.
func (o Offset) or(before Offset) Offset {
	if o.Err == nil {
		return o
	}
	return Offset{Value: before.Value, ReadAt: before.ReadAt, Err: o.Err}
}
