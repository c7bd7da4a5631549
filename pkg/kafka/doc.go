// Package kafka reads offsets, commits and group members from the brokers of one cluster into a [lag.Observation]. It is the
// only package that speaks Kafka's protocol, and it derives nothing: what lag is, package lag says.
//
// One collection asks, with B brokers: Metadata once; of each broker ListGroups, then DescribeGroups and
// ConsumerGroupDescribe (KIP-848) for all its groups of that type, beside one OffsetFetch for all its groups (KIP-709); and
// when the commits are in, ListOffsets twice of each leader. The number of requests grows with brokers, not with groups.
// Brokers are asked independently of one another and within bounded time; each item that fails carries its own error.
package kafka
