// Package fakekafka answers Kafka's protocol from bytes that were encoded beforehand, at a small part of the cost of the client
// that asks. It is what the collector's cost is measured against, and what gives it broken answers.
//
// A [Shape] describes a cluster and is the truth about it: who coordinates and leads what, and every offset. A [Cluster] serves
// it on free ports of 127.0.0.1. It answers what a reader of offsets asks, in Kafka's newest versions only: ApiVersions, Metadata,
// FindCoordinator, ListGroups, the four Describes of groups, OffsetFetch, DescribeShareGroupOffsets and ListOffsets. Nothing can
// be produced, consumed or committed; offsets move when [Cluster.Advance] is called. Partitions come in the order of Kafka's hash tables
// and groups in none, as a reader that gets sorted answers would look cheaper than it is.
//
// Faults are set by broker and API key ([Cluster.Fault]): delays, hangs, closed connections, and any change of an answer's bytes.
package fakekafka
