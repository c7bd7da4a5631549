package kafka

import (
	"context"
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
	resp, err := ask[*membersResponse](ctx, c, broker, membersRequest{req})
	var answers []decodedMembers
	if err == nil {
		answers, err = resp.decode(decodeAsked(req.Groups), req.Groups, c.reader.cfg.Topics, &c.reader.members)
		err = c.malformed(broker, op, err)
	}
	if err != nil {
		asked.fail(groups, err)
		return
	}
	c.setDecoded(asked, req, answers, readAt)
}

// setDecoded fills in what brokers answered about the members of groups.
func (c *collection) setDecoded(asked *answers, req kmsg.Request, decoded []decodedMembers, readAt time.Time) {
	for i := range decoded {
		d := &decoded[i]
		g := asked.group(d.Group, codeError(asked.broker, req, d.Code))
		if g == nil {
			continue
		}
		if d.ProtocolType != "" {
			g.ProtocolType = d.ProtocolType
		}
		g.MembersReadAt, g.State, g.Members = readAt, d.State, d.Members
		if d.Err != nil {
			g.MembersErr = protocolError(asked.broker, asked.op, "%w", d.Err)
		}
	}
}
