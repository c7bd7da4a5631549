package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// The timestamps by which ListOffsets names the two ends of a log.
const (
	timestampLatest   = -1 // the high watermark, at isolation level read_uncommitted
	timestampEarliest = -2 // the log start offset
)

// place is where a partition stands in the observation.
type place struct{ topic, partition int }

// readOffsets asks every leader, independently of the others, for the start and end of all its partitions.
func (c *collection) readOffsets(ctx context.Context) {
	byLeader := map[int32][]place{}
	for i := range c.obs.Topics {
		if c.obs.Topics[i].Err != nil {
			continue
		}
		for j := range c.obs.Topics[i].Partitions {
			if leader := c.obs.Topics[i].Partitions[j].Leader; leader >= 0 {
				byLeader[leader] = append(byLeader[leader], place{i, j})
			}
		}
	}
	var wg sync.WaitGroup
	for leader, places := range byLeader {
		broker := c.broker(leader)
		if broker == nil { // a leader that Metadata does not list as alive: unreadable, as if it did not answer
			broker = &lag.Broker{ID: leader}
		}
		wg.Go(func() { c.leaderOffsets(ctx, broker, places) })
	}
	wg.Wait()
}

func (c *collection) broker(id int32) *lag.Broker {
	for i := range c.obs.Brokers {
		if c.obs.Brokers[i].ID == id {
			return &c.obs.Brokers[i]
		}
	}
	return nil
}

// leaderOffsets reads both ends of the partitions of one leader. Both requests are in flight at the same time; they write to
// different fields.
func (c *collection) leaderOffsets(ctx context.Context, broker *lag.Broker, places []place) {
	end := func(p *lag.Partition) *lag.Offset { return &p.End }
	start := func(p *lag.Partition) *lag.Offset { return &p.Start }
	var endErr, startErr error
	var wg sync.WaitGroup
	wg.Go(func() { endErr = c.listOffsets(ctx, broker.ID, places, timestampLatest, end) })
	wg.Go(func() { startErr = c.listOffsets(ctx, broker.ID, places, timestampEarliest, start) })
	wg.Wait()
	noteBroker(broker, endErr)
	noteBroker(broker, startErr)
}

var errPartitionLeftOut = errors.New("the broker left the partition out of its answer")

func (c *collection) listOffsets(ctx context.Context, broker int32, places []place, timestamp int64, field func(*lag.Partition) *lag.Offset) error {
	req := c.listOffsetsRequest(places, timestamp)
	readAt := time.Now()
	resp, err := ask[*kmsg.ListOffsetsResponse](ctx, c.reader, broker, req)
	missing := err
	if err == nil {
		missing = &lag.ReadError{Class: lag.ClassProtocol, Broker: broker, Op: "ListOffsets", Err: errPartitionLeftOut}
	}
	byName := make(map[string]map[int32]*lag.Offset)
	for _, p := range places {
		topic := &c.obs.Topics[p.topic]
		if byName[topic.Name] == nil {
			byName[topic.Name] = make(map[int32]*lag.Offset)
		}
		offset := field(&topic.Partitions[p.partition])
		offset.Err = missing
		byName[topic.Name][topic.Partitions[p.partition].Partition] = offset
	}
	if err != nil {
		return err
	}
	for i := range resp.Topics {
		for _, p := range resp.Topics[i].Partitions {
			if offset := byName[resp.Topics[i].Topic][p.Partition]; offset != nil {
				*offset = listedOffset(broker, req, &p, resp.Version, readAt)
			}
		}
	}
	return nil
}

func listedOffset(broker int32, req kmsg.Request, p *kmsg.ListOffsetsResponseTopicPartition, version int16, readAt time.Time) lag.Offset {
	if err := codeError(broker, req, p.ErrorCode); err != nil {
		return lag.Offset{Err: err}
	}
	value := p.Offset
	if version == 0 {
		if len(p.OldStyleOffsets) == 0 {
			return lag.Offset{Err: &lag.ReadError{Class: lag.ClassProtocol, Broker: broker, Op: "ListOffsets", Err: errPartitionLeftOut}}
		}
		value = p.OldStyleOffsets[0]
	}
	return lag.Offset{Value: value, ReadAt: readAt}
}

// listOffsetsRequest names the partitions, which come topic by topic. With the leader epoch that Metadata gave (KIP-320), a
// broker that has lost, or not yet taken up, the leadership says so in place of giving an old offset.
func (c *collection) listOffsetsRequest(places []place, timestamp int64) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	for i, p := range places {
		topic := &c.obs.Topics[p.topic]
		if i == 0 || places[i-1].topic != p.topic {
			t := kmsg.NewListOffsetsRequestTopic()
			t.Topic = topic.Name
			req.Topics = append(req.Topics, t)
		}
		one := kmsg.NewListOffsetsRequestTopicPartition()
		one.Partition = topic.Partitions[p.partition].Partition
		one.CurrentLeaderEpoch = c.leaderEpochs[p.topic][p.partition]
		one.Timestamp = timestamp
		one.MaxNumOffsets = 1
		last := &req.Topics[len(req.Topics)-1]
		last.Partitions = append(last.Partitions, one)
	}
	return req
}
