package lag

import "slices"

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
		next.Topics = append(next.Topics, computeTopic(prev.Topic(obs.Topics[i].Name), &obs.Topics[i]))
	}
}

func computeTopic(old, read *Topic) Topic {
	if old != nil && old.ID != read.ID && read.Err == nil {
		old = nil // deleted and created again: the old offsets are of another log
	}
	if read.Err != nil {
		if old != nil && ClassOf(read.Err) != ClassNotFound {
			return old.withErr(read.Err)
		}
		return *read
	}
	t := *read
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
