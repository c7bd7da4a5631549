package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// describeConsumer describes groups of the new protocol (KIP-848).
func (c *collection) describeConsumer(ctx context.Context, broker int32, groups []*lag.GroupObservation) {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = namesOf(groups)
	asked := expectMembers(broker, "ConsumerGroupDescribe", groups)
	readAt := time.Now()
	resp, err := ask[*kmsg.ConsumerGroupDescribeResponse](ctx, c, broker, req)
	if err != nil {
		asked.fail(groups, err)
		return
	}
	for i := range resp.Groups {
		described := &resp.Groups[i]
		g := asked.group(described.Group, codeError(broker, req, described.ErrorCode))
		if g == nil {
			continue
		}
		members := make([]lag.Member, 0, len(described.Members))
		for j := range described.Members {
			members = append(members, consumerMember(&described.Members[j]))
		}
		c.setMembers(g, readAt, described.State, members)
	}
}

func consumerMember(m *kmsg.ConsumerGroupDescribeResponseGroupMember) lag.Member {
	out := lag.Member{ID: m.MemberID, InstanceID: deref(m.InstanceID), ClientID: m.ClientID, ClientHost: m.ClientHost, Subscribed: m.SubscribedTopics}
	for _, t := range m.Assignment.TopicPartitions {
		out.Assigned = append(out.Assigned, lag.TopicPartitions{Topic: t.Topic, Partitions: t.Partitions})
	}
	return out
}
