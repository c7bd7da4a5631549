package kafka

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// describeStreams describes groups of Kafka Streams (KIP-1071).
func (c *collection) describeStreams(ctx context.Context, broker int32, groups []*lag.GroupObservation) {
	req := kmsg.NewPtrStreamsGroupDescribeRequest()
	req.Groups = namesOf(groups)
	asked := expectMembers(broker, "StreamsGroupDescribe", groups)
	readAt := time.Now()
	resp, err := ask[*kmsg.StreamsGroupDescribeResponse](ctx, c, broker, req)
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
		topics := topologyOf(described.Topology)
		members := make([]lag.Member, 0, len(described.Members))
		for j := range described.Members {
			members = append(members, c.streamsMember(&described.Members[j], topics))
		}
		c.setMembers(g, readAt, described.State, members)
	}
}

// topology holds the topics that the subtopologies of a group read, by their ids.
type topology struct {
	topics map[string][]string
	all    []string
}

// topologyOf translates a topology, which is nil as long as no member has told it.
func topologyOf(t *kmsg.StreamsGroupDescribeResponseGroupTopology) topology {
	out := topology{topics: make(map[string][]string)}
	if t == nil {
		return out
	}
	for i := range t.Subtopologies {
		sub := &t.Subtopologies[i]
		topics := slices.Clone(sub.SourceTopics)
		for j := range sub.RepartitionSourceTopics {
			topics = append(topics, sub.RepartitionSourceTopics[j].Topic)
		}
		out.topics[sub.SubtopologyID] = topics
		out.all = append(out.all, topics...)
	}
	slices.Sort(out.all)
	out.all = slices.Compact(out.all)
	return out
}

// streamsMember translates a member. Task n of a subtopology reads partition n of each of its topics that has so many.
func (c *collection) streamsMember(m *kmsg.StreamsGroupDescribeResponseGroupMember, t topology) lag.Member {
	out := lag.Member{ID: m.MemberID, InstanceID: deref(m.InstanceID), ClientID: m.ClientID, ClientHost: m.ClientHost, Subscribed: t.all}
	for _, task := range m.Assignment.ActiveTasks {
		for _, topic := range t.topics[task.SubtopologyID] {
			out.Assigned = append(out.Assigned, lag.TopicPartitions{Topic: topic, Partitions: c.existing(topic, task.Partitions)})
		}
	}
	return out
}

// existing returns those of the partitions that the topic has, all if the topic is not known.
func (c *collection) existing(topic string, partitions []int32) []int32 {
	known := c.prev.Topic(topic)
	if i := c.topicIndex(topic); i >= 0 {
		known = &c.obs.Topics[i]
	}
	if known == nil || len(known.Partitions) == 0 {
		return partitions
	}
	return slices.DeleteFunc(slices.Clone(partitions), func(n int32) bool { return known.Index(n) < 0 })
}
