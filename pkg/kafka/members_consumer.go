package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// consumerProtocol is the protocol type of consumers; only its members' metadata and assignments have a format that we know.
const consumerProtocol = "consumer"

// membersAnswer is an answer that we decode ourselves.
type membersAnswer interface {
	kmsg.Response
	decode(groups decodeNames, likely []string, topic func(name string) bool, cache *memberCache) ([]decodedMembers, error)
}

// describeConsumers describes groups of consumers, of the classic protocol or the new one (KIP-848), by the request that fits.
func describeConsumers[A membersAnswer](ctx context.Context, c *collection, broker int32, groups []*lag.GroupObservation, request func(names []string) kmsg.Request) {
	names := namesOf(groups)
	req := request(names)
	op := kmsg.NameForKey(req.Key())
	asked := expectMembers(broker, op, groups)
	readAt := time.Now()
	resp, err := ask[A](ctx, c, broker, req)
	var answers []decodedMembers
	if err == nil {
		answers, err = resp.decode(decodeAsked(names), names, c.reader.cfg.Topics, &c.reader.members)
		err = c.malformed(broker, op, err)
	}
	if err != nil {
		asked.fail(groups, err)
		return
	}
	c.setDecoded(asked, req, answers, readAt)
}

func classicRequest(names []string) kmsg.Request {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = names
	return membersRequest{req}
}

func consumerRequest(names []string) kmsg.Request {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = names
	return consumerMembersRequest{req}
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
		g.MembersReadAt, g.State, g.Protocol, g.Members = readAt, d.State, d.Protocol, d.Members
		if d.Err != nil {
			g.MembersErr = protocolError(asked.broker, asked.op, "%w", d.Err)
		}
	}
}
