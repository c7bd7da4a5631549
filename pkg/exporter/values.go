package exporter

import (
	"math"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// What several dialects have in common: what is written of a snapshot, whatever the series and the labels are called.

// offsets writes one offset of every partition. Offsets have a time of their own, so the topic's error does not matter.
func offsets(of func(*lag.Topic) *lag.Offsets) func(*encoder, *lag.Snapshot) {
	return func(e *encoder, s *lag.Snapshot) {
		for i := range s.Topics {
			t := s.Topics[i]
			e.atPartitions(t.Name)
			column := of(t)
			for j := range t.Partitions {
				if o := column.At(j); o.Known(e.now, e.maxAge) {
					e.sampleAt(t.Partitions[j].Partition, o.Value)
					e.ages(o.ReadAt)
				}
			}
		}
	}
}

func writeGroupOffsets(e *encoder, s *lag.Snapshot) {
	e.groupPartitions(s, committedOffset)
}

func writeGroupLag(e *encoder, s *lag.Snapshot) {
	e.groupPartitions(s, lagOf)
}

func lagOf(row *lag.PartitionLag) (int64, bool) { return row.Lag, true }

func committedOffset(row *lag.PartitionLag) (int64, bool) {
	return row.Committed, row.Committed != lag.NoOffset
}

// groupPartitions writes a value of every partition of every group that is known.
func (e *encoder) groupPartitions(s *lag.Snapshot, value func(*lag.PartitionLag) (v int64, ok bool)) {
	for _, g := range s.Groups {
		for i := range g.Topics {
			t := &g.Topics[i]
			e.at(e.group(g), label{name: e.names.partition, varies: true}, label{name: e.names.topic, value: t.Topic})
			for j := range t.Partitions {
				row := &t.Partitions[j]
				if !t.RowKnown(row, e.now, e.maxAge) {
					continue
				}
				if v, ok := value(row); ok {
					e.sampleAt(row.Partition, v)
					e.ages(t.RowReadAt(row))
				}
			}
		}
	}
}

// topicSums writes a group's sum over the partitions of a topic, if all of them were known at one moment.
func topicSums(value func(*lag.PartitionLag) (v int64, ok bool), most int64) func(*encoder, *lag.Snapshot) {
	return func(e *encoder, s *lag.Snapshot) {
		for _, g := range s.Groups {
			for i := range g.Topics {
				t := &g.Topics[i]
				rows, readAt, ok := t.Reading(e.now, e.maxAge)
				if !ok {
					continue
				}
				if total, ok := sum(rows, value, most); ok {
					e.at(e.group(g), label{name: e.names.topic, value: t.Topic})
					e.sample(total)
					e.ages(readAt)
				}
			}
		}
	}
}

// sum adds up the rows that have the value; ok is false if none has it, or if they come to more than can be.
func sum(rows []lag.PartitionLag, value func(*lag.PartitionLag) (v int64, ok bool), most int64) (total int64, ok bool) {
	for i := range rows {
		v, has := value(&rows[i])
		if !has {
			continue
		}
		if v > most-total {
			return 0, false
		}
		total += v
		ok = true
	}
	return total, ok
}

func writeMembers(e *encoder, s *lag.Snapshot) {
	for _, g := range s.Groups {
		if e.membersKnown(g) {
			e.at(e.group(g))
			e.sample(int64(len(g.Members)))
		}
	}
}

// groupTotals writes a total over all partitions of each group, if all of them were known at one moment.
func groupTotals(total func([]lag.TopicLag) (v int64, ok bool)) func(*encoder, *lag.Snapshot) {
	return func(e *encoder, s *lag.Snapshot) {
		for _, g := range s.Groups {
			topics, readAt, ok := g.Reading(e.now, e.maxAge)
			if !ok {
				continue
			}
			if v, ok := total(topics); ok {
				e.at(e.group(g))
				e.sample(v)
				e.ages(readAt)
			}
		}
	}
}

// sumLag and maxLag are of no value if there is no partition.

func sumLag(topics []lag.TopicLag) (total int64, ok bool) {
	for i := range topics {
		v, has := sum(topics[i].Partitions, lagOf, lag.MaxLag)
		if !has && len(topics[i].Partitions) == 0 {
			continue
		}
		if !has || v > lag.MaxLag-total {
			return 0, false
		}
		total += v
		ok = true
	}
	return total, ok
}

func maxLag(topics []lag.TopicLag) (most int64, ok bool) {
	for i := range topics {
		for j := range topics[i].Partitions {
			most, ok = max(most, topics[i].Partitions[j].Lag), true
		}
	}
	return most, ok
}

// offsetSum adds up the offsets of that many partitions; ok is false if one is not known, or if the sum is beyond all belief.
func (e *encoder) offsetSum(column *lag.Offsets, partitions int) (total int64, oldest time.Time, ok bool) {
	for j := range partitions {
		o := column.At(j)
		if !o.Known(e.now, e.maxAge) || o.Value > math.MaxInt64-total {
			return 0, time.Time{}, false
		}
		total += o.Value
		if oldest.IsZero() || o.ReadAt.Before(oldest) {
			oldest = o.ReadAt
		}
	}
	return total, oldest, partitions > 0
}

// group is the label of a group.
func (e *encoder) group(g *lag.Group) label { return label{name: e.names.group, value: g.Name} }

// membersKnown says whether a group's members and state may be written, and that they are about to be.
func (e *encoder) membersKnown(g *lag.Group) bool {
	if g.MembersReadAt.IsZero() || e.now.Sub(g.MembersReadAt) > e.maxAge {
		return false
	}
	e.ages(g.MembersReadAt)
	return true
}

func (e *encoder) atPartitions(topic string) {
	e.at(label{name: e.names.partition, varies: true}, label{name: e.names.topic, value: topic})
}

// metadataKnown says whether brokers and topics may be written, and that they are about to be.
func (e *encoder) metadataKnown(s *lag.Snapshot) bool {
	if !s.MetadataKnown(e.now, e.maxAge) {
		return false
	}
	e.ages(s.MetadataReadAt)
	return true
}

// topicKnown says whether a topic's partitions, leaders and replicas may be written, and that they are about to be.
func (e *encoder) topicKnown(t *lag.Topic) bool {
	if !t.Known(e.now, e.maxAge) {
		return false
	}
	e.ages(t.ReadAt)
	return true
}

func oneIf(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
