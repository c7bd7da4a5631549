package fakekafka

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// subtopology is the id of the only one of each streams group.
const subtopology = "0"

// member is what all types of groups tell of a member: each subscribes to the group's topic and has every nth of its partitions.
type member struct {
	id, client, host string
	partitions       []int32
}

func members(s Shape, g int) []member {
	out := make([]member, s.MembersPerGroup)
	for i := range out {
		client := fmt.Sprintf("consumer-%s-%d", s.Group(g), i)
		out[i] = member{
			id: fmt.Sprintf("%s-%016x-%016x", client, s.random(g, i), s.random(i, g)), client: client,
			host: fmt.Sprintf("/10.%d.%d.%d", g>>8&0xff, g&0xff, i),
		}
		for p := i; p < s.PartitionsPerGroup; p += s.MembersPerGroup {
			out[i].partitions = append(out[i].partitions, int32(p))
		}
	}
	return out
}

// describe returns the answer for the group alone, by the request for groups of its type.
func describe(s Shape, g int) kmsg.Response {
	switch s.Type(g) {
	case Consumer:
		return describeConsumer(s, g)
	case Share:
		return describeShare(s, g)
	case Streams:
		return describeStreams(s, g)
	}
	return describeClassic(s, g)
}

func describeClassic(s Shape, g int) kmsg.Response {
	topic := s.Topic(s.TopicOf(g))
	out := kmsg.NewDescribeGroupsResponseGroup()
	out.Group, out.State, out.ProtocolType, out.Protocol = s.Group(g), "Stable", "consumer", "range"
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Topics = []string{topic}
	for _, m := range members(s, g) {
		assignment := kmsg.NewConsumerMemberAssignment()
		assignment.Topics = []kmsg.ConsumerMemberAssignmentTopic{{Topic: topic, Partitions: m.partitions}}
		out.Members = append(out.Members, kmsg.DescribeGroupsResponseGroupMember{MemberID: m.id, ClientID: m.client, ClientHost: m.host,
			ProtocolMetadata: meta.AppendTo(nil), MemberAssignment: assignment.AppendTo(nil)})
	}
	resp := kmsg.NewPtrDescribeGroupsResponse()
	resp.Version, resp.Groups = resp.MaxVersion(), []kmsg.DescribeGroupsResponseGroup{out}
	return resp
}

func describeConsumer(s Shape, g int) kmsg.Response {
	topic := s.TopicOf(g)
	out := kmsg.NewConsumerGroupDescribeResponseGroup()
	out.Group, out.State, out.Epoch, out.AssignmentEpoch, out.AssignorName = s.Group(g), "Stable", 1, 1, "uniform"
	for _, m := range members(s, g) {
		assignment := kmsg.Assignment{TopicPartitions: []kmsg.AssignmentTopicPartition{{TopicID: topicID(topic), Topic: s.Topic(topic), Partitions: m.partitions}}}
		one := kmsg.NewConsumerGroupDescribeResponseGroupMember()
		one.MemberID, one.ClientID, one.ClientHost, one.MemberEpoch = m.id, m.client, m.host, 1
		one.SubscribedTopics, one.Assignment, one.TargetAssignment = []string{s.Topic(topic)}, assignment, assignment
		out.Members = append(out.Members, one)
	}
	resp := kmsg.NewPtrConsumerGroupDescribeResponse()
	resp.Version, resp.Groups = resp.MaxVersion(), []kmsg.ConsumerGroupDescribeResponseGroup{out}
	return resp
}

func describeShare(s Shape, g int) kmsg.Response {
	topic := s.TopicOf(g)
	out := kmsg.NewShareGroupDescribeResponseGroup()
	out.GroupID, out.GroupState, out.GroupEpoch, out.AssignmentEpoch, out.Assignor = s.Group(g), "Stable", 1, 1, "simple"
	for _, m := range members(s, g) {
		one := kmsg.NewShareGroupDescribeResponseGroupMember()
		one.MemberID, one.ClientID, one.ClientHost, one.MemberEpoch = m.id, m.client, m.host, 1
		one.SubscribedTopicNames = []string{s.Topic(topic)}
		one.Assignment.TopicPartitions = []kmsg.ShareGroupDescribeResponseGroupMemberAssignmentTopicPartition{
			{TopicID: topicID(topic), Topic: s.Topic(topic), Partitions: m.partitions}}
		out.Members = append(out.Members, one)
	}
	resp := kmsg.NewPtrShareGroupDescribeResponse()
	resp.Version, resp.Groups = resp.MaxVersion(), []kmsg.ShareGroupDescribeResponseGroup{out}
	return resp
}

func describeStreams(s Shape, g int) kmsg.Response {
	topic := s.Topic(s.TopicOf(g))
	out := kmsg.NewStreamsGroupDescribeResponseGroup()
	out.Group, out.State, out.Epoch, out.AssignmentEpoch = s.Group(g), "Stable", 1, 1
	out.Topology = &kmsg.StreamsGroupDescribeResponseGroupTopology{Epoch: 1,
		Subtopologies: []kmsg.StreamsGroupDescribeResponseGroupTopologySubtopology{{SubtopologyID: subtopology, SourceTopics: []string{topic}}}}
	for _, m := range members(s, g) {
		assignment := kmsg.StreamsAssignment{ActiveTasks: []kmsg.TaskIDs{{SubtopologyID: subtopology, Partitions: m.partitions}}}
		one := kmsg.NewStreamsGroupDescribeResponseGroupMember()
		one.MemberID, one.ClientID, one.ClientHost, one.ProcessID, one.MemberEpoch = m.id, m.client, m.host, m.client, 1
		one.Assignment, one.TargetAssignment = assignment, assignment
		out.Members = append(out.Members, one)
	}
	resp := kmsg.NewPtrStreamsGroupDescribeResponse()
	resp.Version, resp.Groups = resp.MaxVersion(), []kmsg.StreamsGroupDescribeResponseGroup{out}
	return resp
}
