package exporter

import (
	"math"
	"strconv"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// kafkaExporter is the dialect of danielqsj/kafka_exporter: its names, labels and meanings, so that dashboards and alerts made
// for it go on working. It differs where kafka_exporter has a sentinel: no commit and no leader are no series instead of -1.
//
// The two sums are untyped, where kafka_exporter says gauge: linters keep the suffix _sum for histograms and summaries, and
// the name cannot change.
func kafkaExporter() dialect {
	return dialect{names: labelNames{group: "consumergroup", topic: "topic", partition: "partition"}, families: []family{
		{name: "kafka_brokers", help: "Number of brokers in the cluster.", write: writeBrokers},
		{name: "kafka_broker_info", help: "Always 1; the labels are a broker's node id and its address.", write: writeBrokerInfo},
		{name: "kafka_topic_partitions", help: "Number of partitions of the topic.", write: writeTopicPartitions},
		{name: "kafka_topic_partition_current_offset", help: "Offset that the partition's next record will have (high watermark).",
			write: offsets(func(t *lag.Topic) *lag.Offsets { return &t.Ends })},
		{name: "kafka_topic_partition_oldest_offset", help: "Offset of the oldest record that the partition still holds (log start offset).",
			write: offsets(func(t *lag.Topic) *lag.Offsets { return &t.Starts })},
		{name: "kafka_topic_partition_leader", help: "Node id of the partition's leader; absent while it has none.", write: partitions(leader)},
		{name: "kafka_topic_partition_replicas", help: "Number of replicas of the partition.", write: partitions(replicas)},
		{name: "kafka_topic_partition_in_sync_replica", help: "Number of in-sync replicas of the partition.", write: partitions(inSyncReplicas)},
		{name: "kafka_topic_partition_leader_is_preferred", help: "1 if the partition's leader is its preferred one, else 0.",
			write: partitions(leaderIsPreferred)},
		{name: "kafka_topic_partition_under_replicated_partition", help: "1 if the partition has fewer in-sync replicas than replicas, else 0.",
			write: partitions(underReplicated)},
		{name: "kafka_consumergroup_current_offset", help: "Offset that the group has committed on the partition; absent if there is none.",
			write: writeGroupOffsets},
		{name: "kafka_consumergroup_current_offset_sum", kind: untyped,
			help:  "Sum of the offsets that the group has committed on the topic, over the partitions that have one.",
			write: topicSums(committedOffset, math.MaxInt64)},
		{name: "kafka_consumergroup_lag", help: "Records in the partition that the group has not consumed yet.", write: writeGroupLag},
		{name: "kafka_consumergroup_lag_sum", kind: untyped,
			help:  "Records in the topic that the group has not consumed yet; absent while the lag on any partition is not known.",
			write: topicSums(lagOf, lag.MaxLag)},
		{name: "kafka_consumergroup_members", help: "Number of members of the group.", write: writeMembers},
	}}
}

func writeBrokers(e *encoder, s *lag.Snapshot) {
	if !e.metadataKnown(s) {
		return
	}
	e.at()
	e.sample(int64(len(s.Brokers)))
}

func writeBrokerInfo(e *encoder, s *lag.Snapshot) {
	if !e.metadataKnown(s) {
		return
	}
	for i := range s.Brokers {
		e.at(label{name: "address", value: s.Brokers[i].Address}, label{name: "id", value: strconv.Itoa(int(s.Brokers[i].ID))})
		e.sample(1)
	}
}

func writeTopicPartitions(e *encoder, s *lag.Snapshot) {
	for i := range s.Topics {
		if t := s.Topics[i]; e.topicKnown(t) {
			e.at(label{name: e.names.topic, value: t.Name})
			e.sample(int64(len(t.Partitions)))
		}
	}
}

// partitions writes what the metadata says of every partition; ok is false where it does not say it.
func partitions(value func(*lag.Partition) (v int64, ok bool)) func(*encoder, *lag.Snapshot) {
	return func(e *encoder, s *lag.Snapshot) {
		for i := range s.Topics {
			t := s.Topics[i]
			if !e.topicKnown(t) {
				continue
			}
			e.atPartitions(t.Name)
			for j := range t.Partitions {
				if v, ok := value(&t.Partitions[j]); ok {
					e.sampleAt(t.Partitions[j].Partition, v)
				}
			}
		}
	}
}

func leader(p *lag.Partition) (int64, bool)   { return int64(p.Leader), p.Leader >= 0 }
func replicas(p *lag.Partition) (int64, bool) { return int64(p.Replicas), replicasKnown(p) }

func inSyncReplicas(p *lag.Partition) (int64, bool) {
	return int64(p.InSyncReplicas), replicasKnown(p)
}

func leaderIsPreferred(p *lag.Partition) (int64, bool) {
	return oneIf(p.Leader == p.PreferredLeader), replicasKnown(p)
}

func underReplicated(p *lag.Partition) (int64, bool) {
	return oneIf(p.InSyncReplicas < p.Replicas), replicasKnown(p)
}

func replicasKnown(p *lag.Partition) bool { return p.PreferredLeader >= 0 }
