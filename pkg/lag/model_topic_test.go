package lag_test

import (
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// modelTopic is what the model knows of a topic.
type modelTopic struct {
	id     [16]byte
	readAt time.Time
	err    bool // it could not be read
	absent bool // because it does not exist
	missed int
	parts  map[int32]modelPartition
}

type modelPartition struct {
	start, end, stable modelOffset
	epoch              int32
	ends               map[int32]lag.EpochEnd // of earlier epochs
}

// truncated says whether a commit is of records that the log has no more, or whether that is not known.
func (p modelPartition) truncated(group lag.GroupType, commit commitRow) (yes, unsure bool) {
	if p.epoch < 0 || commit.LeaderEpoch < 0 || commit.LeaderEpoch >= p.epoch {
		return p.epoch >= 0 && commit.LeaderEpoch > p.epoch, false
	}
	if group == lag.GroupShare || commit.Offset < 0 {
		return false, false
	}
	end, known := p.ends[commit.LeaderEpoch]
	if !known || end.Err != nil {
		return false, !known || lag.ClassOf(end.Err) != lag.ClassUnsupported
	}
	return end.End < commit.Offset, false
}

// tell takes in where earlier epochs end.
func (t *modelTopic) tell(before *modelTopic, ends []lag.EpochEnd, partial bool) {
	for number, p := range t.parts {
		p.ends = map[int32]lag.EpochEnd{}
		for _, e := range ends {
			if e.Partition == number && e.LeaderEpoch == p.epoch {
				p.ends[e.Epoch] = e
			}
		}
		if before != nil {
			for epoch, e := range before.parts[number].ends {
				if now, told := p.ends[epoch]; e.LeaderEpoch == p.epoch && (!told && partial || told && now.Err != nil && e.Err == nil) {
					p.ends[epoch] = e
				}
			}
		}
		t.parts[number] = p
	}
}

type modelOffset struct {
	value  int64
	readAt time.Time
	failed bool
}

func (t *modelTopic) gone() bool { return t.err && t.absent && t.missed >= 2 }

func another(a, b [16]byte) bool { return a != b && a != [16]byte{} && b != [16]byte{} }

func (m *model) observeTopics(o *lag.Observation) {
	seen := map[string]*modelTopic{}
	if o.Partial || o.MetadataErr != nil {
		for name, t := range m.topics {
			seen[name] = t
			if !o.Partial {
				seen[name] = t.fail(o)
			}
		}
	}
	for i := range o.Topics {
		seen[o.Topics[i].Name] = m.topics[o.Topics[i].Name].read(&o.Topics[i], o)
	}
	m.topics = seen
}

// fail is the topic after a collection could read nothing of it.
func (t *modelTopic) fail(o *lag.Observation) *modelTopic {
	c := *t
	if !t.readAt.After(o.StartedAt) {
		c.err, c.absent = true, false
	}
	c.parts = map[int32]modelPartition{}
	for number, p := range t.parts {
		failed := lag.Offset{Err: o.MetadataErr}
		if failed.Err == nil {
			failed.Err = errAny
		}
		p.start, p.end, p.stable = p.start.later(failed, o), p.end.later(failed, o), p.stable.later(failed, o)
		c.parts[number] = p
	}
	return &c
}

var errAny = failed(lag.ClassOther)

// read is the topic after it was read; t is nil if it was not known.
func (t *modelTopic) read(read *lag.Topic, o *lag.Observation) *modelTopic {
	if read.Err != nil {
		if t != nil && !t.err && t.readAt.After(o.StartedAt) {
			return t
		}
		c := &modelTopic{id: read.ID, missed: 1}
		if t != nil {
			c = t.fail(o)
		}
		c.err, c.absent = true, lag.ClassOf(read.Err) == lag.ClassNotFound
		if c.absent {
			c.missed++
		}
		if c.gone() {
			c.parts = nil
		}
		return c
	}
	known := t != nil && !t.err && t.readAt.After(o.MetadataReadAt) // by a later list of partitions
	if t != nil && another(t.id, read.ID) {
		if known {
			return t
		}
		t = nil
	}
	c := &modelTopic{id: read.ID, readAt: o.MetadataReadAt, parts: map[int32]modelPartition{}}
	if known {
		c.id, c.readAt = t.id, t.readAt
		for number, p := range t.parts {
			c.parts[number] = p
		}
	}
	for _, r := range logsOf(read) {
		before := modelPartition{epoch: -1}
		if t != nil {
			if p, ok := t.parts[r.Partition]; ok {
				before = p
			} else if known {
				continue
			}
		}
		after := modelPartition{start: before.start.later(r.Start, o), end: before.end.later(r.End, o), stable: before.stable.later(r.LastStable, o), epoch: before.epoch}
		if after.end != before.end && !after.end.failed {
			after.epoch = r.LeaderEpoch
		}
		c.parts[r.Partition] = after
	}
	c.tell(t, read.EpochEnds, o.Partial)
	return c
}

// later is the later of two readings; what failed keeps the value before.
func (m modelOffset) later(read lag.Offset, o *lag.Observation) modelOffset {
	switch {
	case read.Err != nil || !read.ReadAt.IsZero() && read.Value < 0:
		if !m.readAt.After(o.StartedAt) {
			m.failed = true
		}
		return m
	case read.ReadAt.IsZero() || read.ReadAt.Before(m.readAt):
		return m
	}
	return modelOffset{value: read.Value, readAt: read.ReadAt}
}
