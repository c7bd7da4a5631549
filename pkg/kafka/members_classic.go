package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// consumerProtocol is the protocol type of consumers; only its members' metadata and assignments have a format that we know.
const consumerProtocol = "consumer"

func (c *collection) describeClassic(ctx context.Context, broker int32, groups []*lag.GroupObservation) {
	const op = "DescribeGroups"
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = namesOf(groups)
	asked := expectMembers(broker, op, groups)
	readAt := time.Now()
	resp, err := ask[*kmsg.DescribeGroupsResponse](ctx, c, broker, req)
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
			m, err := classicMember(&described.Members[j], described.ProtocolType)
			if err != nil {
				g.MembersErr = protocolError(broker, op, "member %q: %w", m.ID, err)
			}
			members = append(members, m)
		}
		g.ProtocolType = described.ProtocolType
		c.setMembers(g, readAt, described.State, members)
	}
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
