package exporter

import (
	"cmp"
	"slices"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// ownership walks through which members of a group have which partitions, in the order of the topics. It is used for one group after the
// other, so that it allocates little.
type ownership struct {
	room []assignment
	all  []assignment // those still to come
	row  []int32
}

// assignment is what one member has of one topic.
type assignment struct {
	topic      string
	partitions []int32
	member     int32 // index in lag.Group.Members
}

func (o *ownership) clear() { o.all = nil }

// of starts with the group's first topic.
func (o *ownership) of(g *lag.Group) {
	o.room = o.room[:0]
	for i := range g.Members {
		for _, a := range g.Members[i].Assigned {
			o.room = append(o.room, assignment{a.Topic, a.Partitions, int32(i)})
		}
	}
	slices.SortStableFunc(o.room, func(a, b assignment) int { return cmp.Compare(a.topic, b.topic) })
	o.all = o.room
}

// next returns what the members have of the next topic.
func (o *ownership) next() []assignment {
	n := 1
	for n < len(o.all) && o.all[n].topic == o.all[0].topic {
		n++
	}
	next := o.all[:n]
	o.all = o.all[n:]
	return next
}

// noOwner stands for a partition that no member has, or that several share.
const noOwner = -1

// rows returns by the index of t.Partitions which member has the partition. It must be called in the order of the topics.
func (o *ownership) rows(t *lag.TopicLag) []int32 {
	o.row = o.row[:0]
	for range t.Partitions {
		o.row = append(o.row, noOwner)
	}
	for len(o.all) > 0 && o.all[0].topic <= t.Topic {
		of := o.next()
		if of[0].topic == t.Topic {
			o.assign(t.Partitions, of)
		}
	}
	return o.row
}

func (o *ownership) assign(rows []lag.PartitionLag, of []assignment) {
	const several = -2
	for _, a := range of {
		for _, number := range a.partitions {
			i, found := rowOf(rows, number)
			switch {
			case !found:
			case o.row[i] == noOwner:
				o.row[i] = a.member
			case o.row[i] != a.member:
				o.row[i] = several
			}
		}
	}
	for i := range o.row {
		o.row[i] = max(o.row[i], noOwner)
	}
}

// rowOf finds the row of a partition. In most topics it is at the index of its number.
func rowOf(rows []lag.PartitionLag, number int32) (int, bool) {
	if number >= 0 && int(number) < len(rows) && rows[number].Partition == number {
		return int(number), true
	}
	return slices.BinarySearchFunc(rows, number, func(row lag.PartitionLag, number int32) int { return cmp.Compare(row.Partition, number) })
}
