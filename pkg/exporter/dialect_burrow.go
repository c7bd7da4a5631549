package exporter

import "github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"

// burrow is the dialect of linkedin/Burrow's /metrics. Its two statuses are not told: they are judgements about the commits of a window of
// time, of which no history is kept, and there is no value for "not judged".
//
// The total is untyped, where Burrow says gauge, for the reason given at kafkaExporter.
func burrow() dialect {
	return dialect{cluster: "cluster", names: labelNames{group: "consumer_group", topic: "topic", partition: "partition"}, families: []family{
		{name: "burrow_kafka_consumer_lag_total", kind: untyped,
			help: "Records that the group has not consumed yet; absent while the lag on any partition is not known.", write: groupTotals(sumLag)},
		{name: "burrow_kafka_consumer_partition_lag", help: "Records in the partition that the group has not consumed yet.", write: writeGroupLag},
		{name: "burrow_kafka_consumer_current_offset", help: "Offset that the group has committed on the partition; absent if there is none.",
			write: writeGroupOffsets},
		{name: "burrow_kafka_topic_partition_offset", help: "Offset that the partition's next record will have.",
			write: offsets(func(t *lag.Topic) *lag.Offsets { return &t.Ends })},
	}}
}
