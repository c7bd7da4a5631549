package exporter

import (
	"cmp"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// nobody is what kafka-lag-exporter says of a partition that no member has.
const nobody = "unknown"

// kafkaLagExporter is the dialect of seglo/kafka-lag-exporter. It differs where a value is not known: no series in place of NaN. Lags in
// seconds are not told, as no time lag is measured. A group's partitions stay while it rebalances, as ones that no member has.
func kafkaLagExporter() dialect {
	return dialect{cluster: "cluster_name", names: labelNames{group: "group", topic: "topic", partition: "partition"}, families: []family{
		{name: "kafka_partition_latest_offset", help: "Offset that the partition's next record will have.",
			write: offsets(func(t *lag.Topic) *lag.Offsets { return &t.Ends })},
		{name: "kafka_partition_earliest_offset", help: "Offset of the oldest record that the partition still holds.",
			write: offsets(func(t *lag.Topic) *lag.Offsets { return &t.Starts })},
		{name: "kafka_consumergroup_group_offset", help: "Offset that the group has committed on the partition.", write: byMember(committedOffset)},
		{name: "kafka_consumergroup_group_lag", help: "Records in the partition that the group has not consumed yet.", write: byMember(lagOf)},
		{name: "kafka_consumergroup_group_max_lag", help: "Lag of the group on the partition where it is the largest; absent while one is not known.",
			write: groupTotals(maxLag)},
		{name: "kafka_consumergroup_group_sum_lag", help: "Records that the group has not consumed yet; absent while the lag on any partition is not known.",
			write: groupTotals(sumLag)},
		{name: "kafka_consumergroup_group_topic_sum_lag",
			help: "Records in the topic that the group has not consumed yet; absent while the lag on any partition is not known.", write: topicSums(lagOf, lag.MaxLag)},
		{name: "kafka_consumergroup_poll_time_ms", help: "Time that the latest poll of the whole cluster took, in milliseconds.", write: writePollTime},
	}}
}

func writePollTime(e *encoder, s *lag.Snapshot) {
	if s.PollTime > 0 {
		e.at()
		e.sample(s.PollTime.Milliseconds())
	}
}

// byMember writes a value of every partition of every group that is known, with the member that has the partition.
func byMember(value func(*lag.PartitionLag) (v int64, ok bool)) func(*encoder, *lag.Snapshot) {
	return func(e *encoder, s *lag.Snapshot) {
		for _, g := range s.Groups {
			e.owners.clear()
			if e.membersKnown(g) {
				e.owners.of(g)
			}
			for i := range g.Topics {
				e.topicByMember(g, &g.Topics[i], value)
			}
		}
	}
}

func (e *encoder) topicByMember(g *lag.Group, t *lag.TopicLag, value func(*lag.PartitionLag) (v int64, ok bool)) {
	owners := e.owners.rows(t)
	at := -2 // the member whose labels are set
	for j := range t.Partitions {
		row := &t.Partitions[j]
		v, ok := value(row)
		if !ok || !t.RowKnown(row, e.now, e.maxAge) {
			continue
		}
		if owner := int(owners[j]); owner != at {
			at = owner
			e.atMember(g, t, owner)
		}
		e.sampleAt(row.Partition, v)
		e.ages(t.RowReadAt(row))
	}
}

func (e *encoder) atMember(g *lag.Group, t *lag.TopicLag, owner int) {
	host, id, client := nobody, nobody, nobody
	if owner >= 0 {
		m := &g.Members[owner]
		host, id, client = cmp.Or(m.ClientHost, nobody), cmp.Or(m.ID, nobody), cmp.Or(m.ClientID, nobody)
	}
	e.at(label{name: "client_id", value: client}, label{name: "consumer_id", value: id}, e.group(g), label{name: "member_host", value: host},
		label{name: e.names.partition, varies: true}, label{name: e.names.topic, value: t.Topic})
}
