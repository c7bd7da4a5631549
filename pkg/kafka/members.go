package kafka

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// consumerProtocol is the protocol type of consumers; only its members' metadata and assignments have a format that we know.
const consumerProtocol = "consumer"

// describeGroups fills in the members of the groups, by the request that fits each type.
func (c *collection) describeGroups(ctx context.Context, broker int32, groups []lag.GroupObservation) error {
	classic, consumer := map[string]*lag.GroupObservation{}, map[string]*lag.GroupObservation{}
	for i := range groups {
		g := &groups[i]
		g.MembersErr = &lag.ReadError{Class: lag.ClassProtocol, Broker: broker, Op: "describe", Err: errors.New("the broker left the group out of its answer")}
		switch g.Type {
		case lag.GroupClassic:
			classic[g.Name] = g
		case lag.GroupConsumer:
			consumer[g.Name] = g
		default:
			g.MembersErr = &lag.ReadError{Class: lag.ClassUnsupported, Broker: noBroker, Op: string(g.Type) + " group", Err: errTypeUnread}
		}
	}
	var classicErr, consumerErr error
	var wg sync.WaitGroup
	if len(classic) > 0 {
		wg.Go(func() { classicErr = c.describeClassic(ctx, broker, classic) })
	}
	if len(consumer) > 0 {
		wg.Go(func() { consumerErr = c.describeConsumer(ctx, broker, consumer) })
	}
	wg.Wait()
	return errors.Join(classicErr, consumerErr)
}

func (c *collection) describeClassic(ctx context.Context, broker int32, groups map[string]*lag.GroupObservation) error {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = slices.Collect(maps.Keys(groups))
	readAt := time.Now()
	resp, err := ask[*kmsg.DescribeGroupsResponse](ctx, c.reader, broker, req)
	if err != nil {
		setMembersErr(groups, err)
		return err
	}
	for i := range resp.Groups {
		described := &resp.Groups[i]
		g := answered(groups, described.Group, codeError(broker, req, described.ErrorCode))
		if g == nil {
			continue
		}
		g.MembersReadAt, g.State, g.ProtocolType = readAt, described.State, described.ProtocolType
		g.Members = make([]lag.Member, 0, len(described.Members))
		for j := range described.Members {
			m, err := classicMember(&described.Members[j], described.ProtocolType)
			if err != nil {
				g.MembersErr = &lag.ReadError{Class: lag.ClassProtocol, Broker: broker, Op: "DescribeGroups", Err: err}
			}
			g.Members = append(g.Members, c.filtered(m))
		}
	}
	return nil
}

func (c *collection) describeConsumer(ctx context.Context, broker int32, groups map[string]*lag.GroupObservation) error {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = slices.Collect(maps.Keys(groups))
	readAt := time.Now()
	resp, err := ask[*kmsg.ConsumerGroupDescribeResponse](ctx, c.reader, broker, req)
	if err != nil {
		setMembersErr(groups, err)
		return err
	}
	for i := range resp.Groups {
		described := &resp.Groups[i]
		g := answered(groups, described.Group, codeError(broker, req, described.ErrorCode))
		if g == nil {
			continue
		}
		g.MembersReadAt, g.State = readAt, described.State
		g.Members = make([]lag.Member, 0, len(described.Members))
		for j := range described.Members {
			g.Members = append(g.Members, c.filtered(consumerMember(&described.Members[j])))
		}
	}
	return nil
}

// answered returns the group that an answer is about, nil if it is about none that was asked for, or says why there is none.
func answered(groups map[string]*lag.GroupObservation, name string, err error) *lag.GroupObservation {
	g := groups[name]
	if g == nil {
		return nil
	}
	if g.MembersErr = err; err != nil {
		return nil
	}
	return g
}

func setMembersErr(groups map[string]*lag.GroupObservation, err error) {
	for _, g := range groups {
		g.MembersErr = err
	}
}

func consumerMember(m *kmsg.ConsumerGroupDescribeResponseGroupMember) lag.Member {
	out := lag.Member{ID: m.MemberID, InstanceID: deref(m.InstanceID), ClientID: m.ClientID, ClientHost: m.ClientHost, Subscribed: m.SubscribedTopics}
	for _, t := range m.Assignment.TopicPartitions {
		out.Assigned = append(out.Assigned, lag.TopicPartitions{Topic: t.Topic, Partitions: t.Partitions})
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

// filtered drops the topics that are not to be read.
func (c *collection) filtered(m lag.Member) lag.Member {
	subscribed, assigned := m.Subscribed[:0:0], m.Assigned[:0:0]
	for _, topic := range m.Subscribed {
		if c.reader.cfg.Topics(topic) {
			subscribed = append(subscribed, topic)
		}
	}
	for _, a := range m.Assigned {
		if c.reader.cfg.Topics(a.Topic) {
			assigned = append(assigned, a)
		}
	}
	m.Subscribed, m.Assigned = subscribed, assigned
	return m
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
