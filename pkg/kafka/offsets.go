package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// The timestamps by which ListOffsets names the two ends of a log, and the isolation level that makes the latter the last stable
// offset.
const (
	timestampLatest   = -1
	timestampEarliest = -2

	readUncommitted int8 = 0
	readCommitted   int8 = 1
)

// place is where a partition stands in the observation.
type place struct{ topic, partition int }

// offsetKind is one of the offsets of a log.
type offsetKind struct {
	need      need
	timestamp int64
	isolation int8
	field     func(*lag.Partition) *lag.Offset
}

func offsetKinds() []offsetKind {
	return []offsetKind{
		{needEnd, timestampLatest, readUncommitted, func(p *lag.Partition) *lag.Offset { return &p.End }},
		{needStart, timestampEarliest, readUncommitted, func(p *lag.Partition) *lag.Offset { return &p.Start }},
		{needStable, timestampLatest, readCommitted, func(p *lag.Partition) *lag.Offset { return &p.LastStable }},
	}
}

// askLeaders asks every leader, independently of the others, for what is needed of its partitions. The requests to one leader are
// under way at the same time; their answers go to different fields.
func (c *collection) askLeaders(ctx context.Context) {
	c.sortEpochs()
	var wg sync.WaitGroup
	for _, kind := range offsetKinds() {
		for leader, places := range c.byLeader(kind.need) {
			wg.Go(func() {
				c.listOffsets(ctx, leader, places, kind)
				if kind.need == needEnd {
					c.readEpochEnds(ctx, leader, places)
				}
			})
		}
	}
	wg.Wait()
	c.keepEpochEnds()
}

// byLeader returns the partitions with that need, topic by topic.
func (c *collection) byLeader(n need) map[int32][]place {
	places := make(map[int32][]place)
	of := make([][]place, len(c.brokers)) // those of known brokers, for which a map would cost more than all the rest
	for i := range c.needs {
		partitions := c.obs.Topics[i].Partitions
		for j, needed := range c.needs[i] {
			if needed&n == 0 || partitions[j].Leader < 0 {
				continue
			}
			if at := c.brokerAt(partitions[j].Leader); at >= 0 {
				of[at] = append(of[at], place{i, j})
			} else {
				places[partitions[j].Leader] = append(places[partitions[j].Leader], place{i, j})
			}
		}
	}
	for i, b := range c.brokers {
		if len(of[i]) > 0 {
			places[b.id] = of[i]
		}
	}
	return places
}

// isolationVersion is the first version of ListOffsets that knows the last stable offset (KIP-98).
const isolationVersion = 2

var (
	errNoIsolation      = errors.New("the broker is too old to tell the last stable offset")
	errPartitionLeftOut = errors.New("the broker left the partition out of its answer")
	errPartitionTwice   = errors.New("two answers for one partition")
)

func (c *collection) listOffsets(ctx context.Context, leader int32, places []place, kind offsetKind) {
	req := c.listOffsetsRequest(places, kind)
	readAt := time.Now()
	resp, err := ask[*endsResponse](ctx, c, leader, endsRequest{req})
	var answers []decodedEnds
	if err == nil {
		answers, err = resp.decode(c.topicNames)
		err = c.malformed(leader, "ListOffsets", err)
	}
	if err == nil && kind.isolation == readCommitted && resp.Version < isolationVersion { // it has given the high watermark
		err, answers = &lag.ReadError{Class: lag.ClassUnsupported, Broker: leader, Op: "ListOffsets", Err: errNoIsolation}, nil
	}
	missing := err
	if err == nil {
		missing = &lag.ReadError{Class: lag.ClassProtocol, Broker: leader, Op: "ListOffsets", Err: errPartitionLeftOut}
	}
	for _, p := range places {
		*kind.field(&c.obs.Topics[p.topic].Partitions[p.partition]) = lag.Offset{Err: missing}
	}
	for i := range answers {
		if topic := c.topicIndex(answers[i].Topic); topic >= 0 {
			c.setOffsets(topic, answers[i].Rows, kind, leader, readAt, missing)
		}
	}
}

// setOffsets fills in what a leader answered about one topic; missing is the reason why what was asked for is not there yet.
func (c *collection) setOffsets(topic int, rows []decodedEnd, kind offsetKind, leader int32, readAt time.Time, missing error) {
	partitions := c.obs.Topics[topic].Partitions
	for i := range rows {
		row := &rows[i]
		at := partitionAt(partitions, row.Partition)
		if at < 0 || c.needs[topic][at]&kind.need == 0 || partitions[at].Leader != leader {
			continue // not asked for
		}
		p := &partitions[at]
		offset := kind.field(p)
		switch {
		case offset.Err != missing: //nolint:errorlint // this very error: not answered yet
			*offset = lag.Offset{Err: &lag.ReadError{Class: lag.ClassProtocol, Broker: leader, Op: "ListOffsets", Err: errPartitionTwice}}
		case row.Code != 0:
			*offset = lag.Offset{Err: codeError(leader, (*kmsg.ListOffsetsRequest)(nil), row.Code)}
		case row.Offset < 0:
			*offset = lag.Offset{Err: protocolError(leader, "ListOffsets", "an offset of %d", row.Offset)}
		default:
			*offset = lag.Offset{Value: row.Offset, ReadAt: readAt}
			if kind.need == needEnd {
				p.LeaderEpoch = row.LeaderEpoch
			}
		}
	}
}

// listOffsetsRequest names the partitions, which come topic by topic. With the leader epoch that Metadata gave (KIP-320), a
// broker that has lost, or not yet taken up, the leadership says so in place of giving an old offset.
func (c *collection) listOffsetsRequest(places []place, kind offsetKind) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel = kind.isolation
	rows := make([]kmsg.ListOffsetsRequestTopicPartition, len(places)) // of all topics
	for first := 0; first < len(places); {
		topic := &c.obs.Topics[places[first].topic]
		end := first
		for ; end < len(places) && places[end].topic == places[first].topic; end++ {
			p := places[end].partition
			rows[end].Partition = topic.Partitions[p].Partition
			rows[end].CurrentLeaderEpoch = c.epochs[places[end].topic][p].LeaderEpoch
			rows[end].Timestamp = kind.timestamp
			rows[end].MaxNumOffsets = 1
		}
		req.Topics = append(req.Topics, kmsg.ListOffsetsRequestTopic{Topic: topic.Name, Partitions: rows[first:end:end]})
		first = end
	}
	return req
}
