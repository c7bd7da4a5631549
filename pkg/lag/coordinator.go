package lag

import (
	"math"
	"unicode/utf16"
)

// CoordinatorPartition returns the partition of __consumer_offsets, which has so many, in which Kafka keeps the group. The
// partition's leader is the group's coordinator. The rule is Kafka's own (GroupCoordinatorService.partitionFor): Java's hash of
// the name, its absolute value (0 for the least integer, Utils.abs), modulo the number of partitions. partitions must be positive.
func CoordinatorPartition(group string, partitions int) int {
	var hash int32 // wraps around, as Java's does
	for _, r := range group {
		if r1, r2 := utf16.EncodeRune(r); r > 0xFFFF {
			hash = 31*(31*hash+r1) + r2
			continue
		}
		hash = 31*hash + r
	}
	if hash == math.MinInt32 {
		return 0
	}
	return int(max(hash, -hash)) % partitions
}

// coordinatorOf returns the node id of the group's coordinator, -1 if it has none now. It is not known without the leaders of
// __consumer_offsets.
func coordinatorOf(group string, leaders []int32) (node int32, known bool) {
	if len(leaders) == 0 {
		return -1, false
	}
	return leaders[CoordinatorPartition(group, len(leaders))], true
}
