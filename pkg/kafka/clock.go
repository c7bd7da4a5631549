package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// newestCommit returns the time of the newest record in the offsets topic, which its coordinator stamped; zero if that is not known. Kafka's
// protocol tells no other time of the brokers.
func (c *collection) newestCommit(ctx context.Context, coordinators []int32) (newest time.Time) {
	const (
		atNewest = -3 // ListOffsets v7 (KIP-734): the record with the highest timestamp
		least    = 7
	)
	var mu sync.Mutex
	c.eachBroker(func(_ int, b *brokerState) {
		topic := kmsg.NewListOffsetsRequestTopic()
		topic.Topic = offsetsTopic
		for partition, leader := range coordinators {
			if leader == b.id {
				one := kmsg.NewListOffsetsRequestTopicPartition()
				one.Partition, one.Timestamp = int32(partition), atNewest
				topic.Partitions = append(topic.Partitions, one)
			}
		}
		if len(topic.Partitions) == 0 {
			return
		}
		req := kmsg.NewPtrListOffsetsRequest()
		req.ReplicaID, req.Topics = -1, []kmsg.ListOffsetsRequestTopic{topic}
		resp, err := ask[*kmsg.ListOffsetsResponse](ctx, c, b.id, req)
		if err != nil || resp.Version < least {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if at := time.UnixMilli(p.Timestamp); p.ErrorCode == 0 && p.Timestamp > 0 && at.After(newest) {
					newest = at
				}
			}
		}
	})
	return newest
}
