package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// describeShare describes share groups (KIP-932).
func (c *collection) describeShare(ctx context.Context, broker int32, groups []*lag.GroupObservation) {
	req := kmsg.NewPtrShareGroupDescribeRequest()
	req.GroupIDs = namesOf(groups)
	asked := expectMembers(broker, "ShareGroupDescribe", groups)
	readAt := time.Now()
	resp, err := ask[*kmsg.ShareGroupDescribeResponse](ctx, c, broker, req)
	if err != nil {
		asked.fail(groups, err)
		return
	}
	for i := range resp.Groups {
		described := &resp.Groups[i]
		g := asked.group(described.GroupID, codeError(broker, req, described.ErrorCode))
		if g == nil {
			continue
		}
		members := make([]lag.Member, 0, len(described.Members))
		for j := range described.Members {
			members = append(members, shareMember(&described.Members[j]))
		}
		c.setMembers(g, readAt, described.GroupState, members)
	}
}

func shareMember(m *kmsg.ShareGroupDescribeResponseGroupMember) lag.Member {
	out := lag.Member{ID: m.MemberID, ClientID: m.ClientID, ClientHost: m.ClientHost, Subscribed: m.SubscribedTopicNames}
	for _, t := range m.Assignment.TopicPartitions {
		out.Assigned = append(out.Assigned, lag.TopicPartitions{Topic: t.Topic, Partitions: t.Partitions})
	}
	return out
}
