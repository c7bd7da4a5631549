package fakekafka

import (
	"fmt"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// prepared is what one broker answers.
type prepared struct {
	list          *body // ListGroups
	described     map[kmsg.Key]*table
	commits       *table
	shares        *table
	starts        *table
	ends, stables *table
}

// shareLag is where the lag stands in a row of DescribeShareGroupOffsets.
const shareLag = 16

func prepare(s Shape, node int32) *prepared {
	p := &prepared{described: map[kmsg.Key]*table{}, commits: newTable(), shares: newTable(), starts: newTable(), ends: newTable(), stables: newTable()}
	// The rows of OffsetFetch v8 to v9, DescribeShareGroupOffsets v1, and ListOffsets v6 to v11.
	p.commits.row, p.commits.tail = rowFormat{size: 20, offset: 4}, 4 // the topic's tags, the group's error code and tags
	p.shares.row, p.shares.tail = rowFormat{size: 28, offset: 4}, 5   // the same and no error message
	for _, t := range []*table{p.starts, p.ends, p.stables} {
		t.row, t.tail = rowFormat{size: 27, offset: 14}, 1
	}
	for _, key := range []kmsg.Key{kmsg.DescribeGroups, kmsg.ConsumerGroupDescribe, kmsg.ShareGroupDescribe, kmsg.StreamsGroupDescribe} {
		p.described[key] = newTable()
	}
	p.groups(s, node)
	for topic := range s.Topics() {
		p.topic(s, node, topic, s.Topic(topic))
	}
	p.topic(s, node, s.offsetsTopic(), offsetsTopic)
	return p
}

func (p *prepared) groups(s Shape, node int32) {
	order := hashOrder(s.PartitionsPerGroup)
	listed := newTable()
	for g := range s.Groups {
		name := s.Group(g)
		if s.Coordinator(name) != node {
			continue
		}
		resp := kmsg.NewPtrListGroupsResponse()
		resp.Version = resp.MaxVersion()
		resp.Groups = []kmsg.ListGroupsResponseGroup{{Group: name, ProtocolType: protocolType(s.Type(g)), GroupState: "Stable", GroupType: s.Type(g)}}
		listed.add(name, g, resp, nil)
		description := describe(s, g)
		p.described[kmsg.Key(description.Key())].add(name, g, description, nil)
		if s.Type(g) == Share {
			p.shares.add(name, g, shareOffsets(s, g, order), order)
		} else {
			p.commits.add(name, g, commits(s, g, order), order)
		}
	}
	resp := kmsg.NewPtrListGroupsResponse()
	resp.Version = resp.MaxVersion()
	p.list = newBody(resp)
	var spans []span
	for g := range s.Groups {
		if at, ok := listed.spans[s.Group(g)]; ok {
			spans = append(spans, at)
		}
	}
	shuffle := rand.New(rand.NewPCG(s.Seed, uint64(node)))
	shuffle.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
	var all []byte
	for _, at := range spans {
		all = append(all, listed.bytes[at.from:at.to]...)
	}
	p.list.items, p.list.chunks = len(spans), [][]byte{all}
}

func protocolType(groupType string) string {
	switch groupType {
	case Share, Streams:
		return groupType
	}
	return "consumer"
}

func commits(s Shape, g int, order []int) kmsg.Response {
	topic := kmsg.OffsetFetchResponseGroupTopic{Topic: s.Topic(s.TopicOf(g))}
	for _, p := range order {
		row := kmsg.NewOffsetFetchResponseGroupTopicPartition()
		row.Partition, row.Offset, row.LeaderEpoch = int32(p), s.Committed(g, p, 0), firstEpoch
		row.Metadata = kmsg.StringPtr("") // as the Java consumer commits it
		topic.Partitions = append(topic.Partitions, row)
	}
	resp := kmsg.NewPtrOffsetFetchResponse()
	resp.Version = 9
	resp.Groups = []kmsg.OffsetFetchResponseGroup{{Group: s.Group(g), Topics: []kmsg.OffsetFetchResponseGroupTopic{topic}}}
	return resp
}

func shareOffsets(s Shape, g int, order []int) kmsg.Response {
	topic := kmsg.DescribeShareGroupOffsetsResponseGroupTopic{Topic: s.Topic(s.TopicOf(g)), TopicID: topicID(s.TopicOf(g))}
	for _, p := range order {
		row := kmsg.NewDescribeShareGroupOffsetsResponseGroupTopicPartition()
		row.Partition, row.StartOffset, row.LeaderEpoch, row.Lag = int32(p), s.Committed(g, p, 0), firstEpoch, s.Lag(g, p, 0)
		topic.Partitions = append(topic.Partitions, row)
	}
	resp := kmsg.NewPtrDescribeShareGroupOffsetsResponse()
	resp.Version = resp.MaxVersion()
	resp.Groups = []kmsg.DescribeShareGroupOffsetsResponseGroup{{GroupID: s.Group(g), Topics: []kmsg.DescribeShareGroupOffsetsResponseGroupTopic{topic}}}
	return resp
}

func (p *prepared) topic(s Shape, node int32, topic int, name string) {
	var led []int
	for _, partition := range hashOrder(s.partitionsOf(topic)) {
		if s.Leader(topic, partition) == node {
			led = append(led, partition)
		}
	}
	if len(led) == 0 {
		return
	}
	add := func(t *table, offset func(partition int) int64) {
		out := kmsg.ListOffsetsResponseTopic{Topic: name}
		for _, partition := range led {
			out.Partitions = append(out.Partitions, listed(partition, offset(partition), s.leaderEpoch(), 0))
		}
		t.add(out.Topic, topic, listOffsetsResponse(out), led)
	}
	add(p.starts, func(partition int) int64 { return s.Start(topic, partition) })
	add(p.ends, func(partition int) int64 { return s.End(topic, partition, 0) })
	add(p.stables, func(partition int) int64 { return s.LastStable(topic, partition, 0) })
}

func listed(partition int, offset int64, epoch int32, code int16) kmsg.ListOffsetsResponseTopicPartition {
	row := kmsg.NewListOffsetsResponseTopicPartition()
	row.Partition, row.ErrorCode, row.Offset, row.LeaderEpoch = int32(partition), code, offset, epoch
	return row
}

func listOffsetsResponse(topics ...kmsg.ListOffsetsResponseTopic) kmsg.Response {
	resp := kmsg.NewPtrListOffsetsResponse()
	resp.Version, resp.Topics = resp.MaxVersion(), topics
	return resp
}

// advance moves all offsets to those of the version.
func (p *prepared) advance(s Shape, version int64) {
	p.commits.patch(func(g, partition int) int64 { return s.Committed(g, partition, version) })
	p.shares.patch(func(g, partition int) int64 { return s.Committed(g, partition, version) })
	p.ends.patch(func(topic, partition int) int64 { return s.End(topic, partition, version) })
	p.stables.patch(func(topic, partition int) int64 { return s.LastStable(topic, partition, version) })
	lags := *p.shares
	lags.row.offset = shareLag
	lags.patch(func(g, partition int) int64 { return s.Lag(g, partition, version) })
}

// topicID returns an id that no other topic has.
func topicID(topic int) (id [16]byte) {
	copy(id[:], fmt.Sprintf("topicid-%08d", topic))
	return id
}
