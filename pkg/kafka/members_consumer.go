package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// describeConsumer describes groups of the new protocol (KIP-848).
func (c *collection) describeConsumer(ctx context.Context, broker int32, groups []*lag.GroupObservation) {
	const op = "ConsumerGroupDescribe"
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = namesOf(groups)
	asked := expectMembers(broker, op, groups)
	readAt := time.Now()
	resp, err := ask[*consumerMembersResponse](ctx, c, broker, consumerMembersRequest{req})
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
