package fakekafka

import (
	"cmp"
	"fmt"
	"slices"
)

// The types of groups, as ListGroups spells them.
const (
	Classic  = "classic"
	Consumer = "consumer"
	Share    = "share"
	Streams  = "streams"
)

// firstEpoch is the leader epoch at first. Commits are all of that time.
const firstEpoch = 7

// offsetsTopicPartitions is Kafka's default for __consumer_offsets.
const offsetsTopicPartitions = 50

// Shape describes a cluster. All that is in it follows from the shape, the seed and the version, which counts the calls of
// [Cluster.Advance].
type Shape struct {
	Brokers            int // 3 if 0; their node ids begin at 1
	Groups             int
	PartitionsPerGroup int // each group consumes one topic with so many partitions
	GroupsPerTopic     int // 1 if 0
	MembersPerGroup    int
	// Types are given to the groups in turn; all groups are classic if it is empty.
	Types []string
	// Moved is how often the leadership of all partitions has moved on to the next broker, and with it the groups.
	Moved int
	Seed  uint64
}

// The sizes that the cost of a collection is measured at. A quarter of the groups use the protocol of KIP-848.
const (
	SizeS  = "S"  // 100 groups of 20 partitions
	SizeM  = "M"  // 1,000 of 20
	SizeL  = "L"  // 5,000 of 20: 100,000 group-partitions
	SizeXL = "XL" // 10,000 of 100: 1,000,000 group-partitions; each topic is shared by 10 groups, so there are 100,000 partitions
)

// OfSize returns the shape of a size.
func OfSize(size string) (Shape, error) {
	s := Shape{MembersPerGroup: 4, Types: []string{Classic, Classic, Classic, Consumer}}
	switch size {
	case SizeS:
		s.Groups, s.PartitionsPerGroup = 100, 20
	case SizeM:
		s.Groups, s.PartitionsPerGroup = 1_000, 20
	case SizeL:
		s.Groups, s.PartitionsPerGroup = 5_000, 20
	case SizeXL:
		s.Groups, s.PartitionsPerGroup, s.GroupsPerTopic = 10_000, 100, 10
	default:
		return Shape{}, fmt.Errorf("no size %q: use S, M, L or XL", size)
	}
	return s.withDefaults(), nil
}

func (s Shape) withDefaults() Shape {
	s.Brokers = cmp.Or(s.Brokers, 3)
	s.GroupsPerTopic = cmp.Or(s.GroupsPerTopic, 1)
	if len(s.Types) == 0 {
		s.Types = []string{Classic}
	}
	return s
}

// Group returns the name of a group. Names sort as their numbers do.
func (s Shape) Group(group int) string { return fmt.Sprintf("group-%05d", group) }

// Type returns the type of a group.
func (s Shape) Type(group int) string { return s.Types[group%len(s.Types)] }

// Topics returns how many topics there are, besides __consumer_offsets.
func (s Shape) Topics() int { return (s.Groups + s.GroupsPerTopic - 1) / s.GroupsPerTopic }

// Topic returns the name of a topic.
func (s Shape) Topic(topic int) string { return fmt.Sprintf("topic-%05d", topic) }

// TopicOf returns the topic that a group consumes.
func (s Shape) TopicOf(group int) int { return group / s.GroupsPerTopic }

// offsetsTopic returns the number of __consumer_offsets, by which its leaders begin with the first broker.
func (s Shape) offsetsTopic() int { return s.Topics() * s.Brokers }

func (s Shape) partitionsOf(topic int) int {
	if topic == s.offsetsTopic() {
		return offsetsTopicPartitions
	}
	return s.PartitionsPerGroup
}

// Leader returns the node id of a partition's leader.
func (s Shape) Leader(topic, partition int) int32 { return s.node(topic + partition + s.Moved) }

// Coordinator returns the node id of a group's coordinator: the leader of the partition of __consumer_offsets that Kafka keeps
// the group in.
func (s Shape) Coordinator(group string) int32 {
	return s.node(int(javaHash(group)&0x7fffffff)%offsetsTopicPartitions + s.Moved)
}

// leaderEpoch is the epoch of all partitions.
func (s Shape) leaderEpoch() int32 { return firstEpoch + int32(s.Moved) }

func (s Shape) node(n int) int32 { return int32(n%s.Brokers) + 1 }

// javaHash is Java's String.hashCode for ASCII.
func javaHash(text string) (hash int32) {
	for i := range len(text) {
		hash = 31*hash + int32(text[i])
	}
	return hash
}

// Start returns the log start offset of a partition. It never moves.
func (s Shape) Start(topic, partition int) int64 {
	return int64(s.random(topic, partition) % 1_000)
}

// End returns the high watermark of a partition.
func (s Shape) End(topic, partition int, version int64) int64 {
	return 1<<20 + int64(s.random(partition, topic)%1_000_000) + version*int64(2+partition%5)
}

// LastStable returns the last stable offset of a partition.
func (s Shape) LastStable(topic, partition int, version int64) int64 {
	return s.End(topic, partition, version) - int64(partition%3)
}

// Lag returns by how much a group is behind the high watermark.
func (s Shape) Lag(group, partition int, version int64) int64 {
	return (int64(s.random(group, ^partition)%1_000) + version) % 1_000
}

// Committed returns the committed offset of a group, which for a share group is its start offset. It never falls.
func (s Shape) Committed(group, partition int, version int64) int64 {
	return s.End(s.TopicOf(group), partition, version) - s.Lag(group, partition, version)
}

// random is the seeded source of all offsets (splitmix64).
func (s Shape) random(a, b int) uint64 {
	x := s.Seed + uint64(a)*0x9E3779B97F4A7C15 + uint64(b)*0xD1B54A32D192ED03
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// hashOrder returns the numbers from 0 in the order of Kafka's hash tables, which multiply by 2^64 over the golden ratio and take
// the highest bits.
func hashOrder(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	slices.SortFunc(numbers, func(a, b int) int {
		return cmp.Compare(uint64(a)*0x9E3779B97F4A7C15, uint64(b)*0x9E3779B97F4A7C15)
	})
	return numbers
}
