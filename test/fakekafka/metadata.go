package fakekafka

import (
	"math/rand/v2"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const offsetsTopic = "__consumer_offsets"

// metadata is what all brokers answer about topics.
type metadata struct {
	topics *table
	all    []byte // all topics, in no order
}

func prepareMetadata(s Shape) *metadata {
	m := &metadata{topics: newTable()}
	m.add(s, s.offsetsTopic(), offsetsTopic)
	for topic := range s.Topics() {
		m.add(s, topic, s.Topic(topic))
	}
	names := make([]string, 0, len(m.topics.spans))
	for name := range m.topics.spans {
		names = append(names, name)
	}
	slices.Sort(names)
	rand.New(rand.NewPCG(s.Seed, 0)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names {
		at := m.topics.spans[name]
		m.all = append(m.all, m.topics.bytes[at.from:at.to]...)
	}
	return m
}

func (m *metadata) add(s Shape, index int, name string) {
	topic := kmsg.NewMetadataResponseTopic()
	topic.Topic, topic.TopicID, topic.IsInternal = kmsg.StringPtr(name), topicID(index), name == offsetsTopic
	for p := range s.partitionsOf(index) {
		row := kmsg.NewMetadataResponseTopicPartition()
		row.Partition, row.Leader, row.LeaderEpoch = int32(p), s.Leader(index, p), s.leaderEpoch()
		for i := range min(3, s.Brokers) {
			row.Replicas = append(row.Replicas, (row.Leader-1+int32(i))%int32(s.Brokers)+1)
		}
		row.ISR = row.Replicas
		topic.Partitions = append(topic.Partitions, row)
	}
	m.topics.add(name, index, metadataResponse(topic), nil)
}

func metadataResponse(topics ...kmsg.MetadataResponseTopic) *kmsg.MetadataResponse {
	resp := kmsg.NewPtrMetadataResponse()
	resp.Version, resp.Topics = resp.MaxVersion(), topics
	return resp
}

func (m *metadata) answer(req *kmsg.MetadataRequest, brokers []kmsg.MetadataResponseBroker, throttle int32) *body {
	resp := metadataResponse()
	resp.Version, resp.Brokers, resp.ThrottleMillis = req.Version, brokers, throttle
	resp.ClusterID, resp.ControllerID = kmsg.StringPtr("fakekafka"), brokers[0].NodeID
	b := newBody(resp)
	if req.Topics == nil {
		b.items, b.chunks = len(m.topics.spans), [][]byte{m.all}
		return b
	}
	for _, t := range req.Topics {
		if t.Topic == nil { // by id, which no reader of offsets asks for
			topic := kmsg.NewMetadataResponseTopic()
			topic.TopicID, topic.ErrorCode = t.TopicID, kerr.UnknownTopicID.Code
			b.add(metadataResponse(topic))
			continue
		}
		if at, ok := m.topics.spans[*t.Topic]; ok {
			b.take(m.topics, at)
			continue
		}
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.ErrorCode = t.Topic, kerr.UnknownTopicOrPartition.Code
		b.add(metadataResponse(topic))
	}
	return b
}
