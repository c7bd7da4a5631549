package kafka

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// How kmsg's answers translate: what the decoders are held against.

// batched gives the answer of a broker before OffsetFetch v8 the form of a newer one's.
func batched(group string, resp *kmsg.OffsetFetchResponse) *kmsg.OffsetFetchResponseGroup {
	out := &kmsg.OffsetFetchResponseGroup{Group: group, ErrorCode: resp.ErrorCode}
	for _, t := range resp.Topics {
		topic := kmsg.OffsetFetchResponseGroupTopic{Topic: t.Topic}
		for _, p := range t.Partitions {
			topic.Partitions = append(topic.Partitions, kmsg.OffsetFetchResponseGroupTopicPartition{
				Partition: p.Partition, Offset: p.Offset, LeaderEpoch: p.LeaderEpoch, ErrorCode: p.ErrorCode,
			})
		}
		out.Topics = append(out.Topics, topic)
	}
	return out
}

// classicMember decodes what consumers put into the classic protocol's opaque fields, which are empty during a rebalance.
func classicMember(m *kmsg.DescribeGroupsResponseGroupMember, protocolType string) (lag.Member, error) {
	out := lag.Member{ID: m.MemberID, InstanceID: deref(m.InstanceID), ClientID: m.ClientID, ClientHost: m.ClientHost}
	if protocolType != consumerProtocol {
		return out, nil
	}
	var errs []error
	if len(m.ProtocolMetadata) > 0 {
		var meta kmsg.ConsumerMemberMetadata
		if err := meta.ReadFrom(m.ProtocolMetadata); err != nil {
			errs = append(errs, err)
		}
		out.Subscribed = meta.Topics
	}
	if len(m.MemberAssignment) > 0 {
		var assignment kmsg.ConsumerMemberAssignment
		if err := assignment.ReadFrom(m.MemberAssignment); err != nil {
			errs = append(errs, err)
		}
		for _, t := range assignment.Topics {
			out.Assigned = append(out.Assigned, lag.TopicPartitions{Topic: t.Topic, Partitions: t.Partitions})
		}
	}
	return out, errors.Join(errs...)
}

func consumerMember(m *kmsg.ConsumerGroupDescribeResponseGroupMember) lag.Member {
	out := lag.Member{ID: m.MemberID, InstanceID: deref(m.InstanceID), ClientID: m.ClientID, ClientHost: m.ClientHost, Subscribed: m.SubscribedTopics,
		Pattern: deref(m.SubscribedTopicRegex)}
	for _, t := range m.Assignment.TopicPartitions {
		out.Assigned = append(out.Assigned, lag.TopicPartitions{Topic: t.Topic, Partitions: t.Partitions})
	}
	return out
}
