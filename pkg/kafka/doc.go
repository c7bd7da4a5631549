// Package kafka reads offsets, commits and group members from the brokers of one cluster into a [lag.Observation]. It is the
// only package that speaks Kafka's protocol, and it derives nothing: what lag is, package lag says.
//
// A collection of the whole cluster ([Reader.Read]) asks, with B brokers: Metadata once; of each broker ListGroups, then one
// describing request for each type of group of which something has to be read, beside one OffsetFetch for all its groups (KIP-709)
// and one DescribeShareGroupOffsets for its share groups; and when the commits are in, ListOffsets of each leader, up to three
// times: for log ends, and where they are needed for log starts and last stable offsets. The number of requests grows with
// brokers, not with groups. A collection of single groups ([Reader.ReadGroups]) asks their coordinators and leaders only, on
// connections of its own.
//
// Brokers are asked independently of one another and within bounded time. One that does not answer is suspended: it is looked for
// in the background, and until it is found requests to it fail at once. Each item that fails carries its own error.
package kafka
