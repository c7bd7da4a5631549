package exporter

import (
	"math"
	"strconv"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// kminion is the dialect of redpanda-data/kminion, for what it tells of topics and consumer groups. It differs where a value is not
// known: then there is no series, where KMinion adds up what it has. Not told are the families that need what we do not read: broker and
// cluster infos (racks, controller, version), topic configurations, log directories, counts of commits, and end-to-end latencies.
func kminion() dialect {
	const prefix = "kminion_kafka_"
	ends := func(t *lag.Topic) *lag.Offsets { return &t.Ends }
	starts := func(t *lag.Topic) *lag.Offsets { return &t.Starts }
	return dialect{names: labelNames{group: "group_id", topic: "topic_name", partition: "partition_id"}, families: []family{
		{name: prefix + "topic_partition_high_water_mark", help: "Offset that the partition's next record will have.", write: offsets(ends)},
		{name: prefix + "topic_partition_low_water_mark", help: "Offset of the oldest record that the partition still holds.", write: offsets(starts)},
		{name: prefix + "topic_high_water_mark_sum", kind: untyped, help: "Sum of the high water marks of all partitions of the topic; absent while one is not known.",
			write: offsetSums(ends)},
		{name: prefix + "topic_low_water_mark_sum", kind: untyped, help: "Sum of the low water marks of all partitions of the topic; absent while one is not known.",
			write: offsetSums(starts)},
		{name: prefix + "consumer_group_info", help: "1 if the group is stable, else 0; the labels say more of it.", write: writeGroupInfo},
		{name: prefix + "consumer_group_members", help: "Number of members of the group.", write: writeMembers},
		{name: prefix + "consumer_group_empty_members", help: "Number of members of the group without a partition; absent if there are none.",
			write: writeEmptyMembers},
		{name: prefix + "consumer_group_topic_members", help: "Number of members of the group with a partition of the topic.",
			write: assignments(func(members, _ int64) int64 { return members })},
		{name: prefix + "consumer_group_topic_assigned_partitions", help: "Number of partitions of the topic that are assigned to members of the group.",
			write: assignments(func(_, partitions int64) int64 { return partitions })},
		{name: prefix + "consumer_group_topic_offset_sum", kind: untyped,
			help: "Sum of the offsets that the group has committed on the topic, over the partitions that have one.", write: topicSums(committedOffset, math.MaxInt64)},
		{name: prefix + "consumer_group_topic_partition_lag", help: "Records in the partition that the group has not consumed yet.", write: writeGroupLag},
		{name: prefix + "consumer_group_topic_lag", help: "Records in the topic that the group has not consumed yet; absent while the lag on any partition is not known.",
			write: topicSums(lagOf, lag.MaxLag)},
	}}
}

func writeGroupInfo(e *encoder, s *lag.Snapshot) {
	for _, g := range s.Groups {
		if e.membersKnown(g) { // the state is read with them
			e.at(label{name: "coordinator_id", value: strconv.Itoa(int(g.Coordinator))}, e.group(g), label{name: "protocol", value: g.Protocol},
				label{name: "protocol_type", value: g.ProtocolType}, label{name: "state", value: g.State})
			e.sample(oneIf(g.State == "Stable"))
		}
	}
}

// tellsAssignments says whether it is known which partitions the members have. Only consumers tell it: Connect's workers, for one, do not.
func (e *encoder) tellsAssignments(g *lag.Group) bool {
	return g.ProtocolType == "consumer" && e.membersKnown(g)
}

func writeEmptyMembers(e *encoder, s *lag.Snapshot) {
	for _, g := range s.Groups {
		if !e.tellsAssignments(g) {
			continue
		}
		var empty int64
		for i := range g.Members {
			empty += oneIf(len(g.Members[i].Assigned) == 0)
		}
		if empty > 0 {
			e.at(e.group(g))
			e.sample(empty)
		}
	}
}

// assignments writes a value of every topic of which a group's members have partitions.
func assignments(value func(members, partitions int64) int64) func(*encoder, *lag.Snapshot) {
	return func(e *encoder, s *lag.Snapshot) {
		for _, g := range s.Groups {
			if !e.tellsAssignments(g) {
				continue
			}
			e.owners.of(g)
			for len(e.owners.all) > 0 {
				of := e.owners.next()
				var partitions int64
				for _, a := range of {
					partitions += int64(len(a.partitions))
				}
				e.at(e.group(g), label{name: e.names.topic, value: of[0].topic})
				e.sample(value(int64(len(of)), partitions))
			}
		}
	}
}

// offsetSums writes the sum of one offset over the partitions of each topic, if it is known of all of them.
func offsetSums(of func(*lag.Topic) *lag.Offsets) func(*encoder, *lag.Snapshot) {
	return func(e *encoder, s *lag.Snapshot) {
		for _, t := range s.Topics {
			if !t.Known(e.now, e.maxAge) {
				continue
			}
			if total, oldest, ok := e.offsetSum(of(t), len(t.Partitions)); ok {
				e.at(label{name: e.names.topic, value: t.Name})
				e.sample(total)
				e.ages(t.ReadAt)
				e.ages(oldest)
			}
		}
	}
}
