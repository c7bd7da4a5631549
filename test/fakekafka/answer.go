package fakekafka

import (
	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// versions are what ApiVersions tells: only such as have the same rows, and all of them flexible.
func versions() []kmsg.ApiVersionsResponseApiKey {
	key := func(key kmsg.Key, from, to int16) kmsg.ApiVersionsResponseApiKey {
		return kmsg.ApiVersionsResponseApiKey{ApiKey: int16(key), MinVersion: from, MaxVersion: to}
	}
	return []kmsg.ApiVersionsResponseApiKey{
		key(kmsg.Produce, 3, 12), // never answered, but without it kgo does not believe the rest
		key(kmsg.ListOffsets, 6, 11),
		key(kmsg.Metadata, 12, 13),
		key(kmsg.OffsetFetch, 8, 9),
		key(kmsg.FindCoordinator, 4, 6),
		key(kmsg.DescribeGroups, 6, 6),
		key(kmsg.ListGroups, 5, 5),
		key(kmsg.ApiVersions, 0, 5),
		key(kmsg.ConsumerGroupDescribe, 1, 1),
		key(kmsg.ShareGroupDescribe, 1, 1),
		key(kmsg.StreamsGroupDescribe, 1, 1),
		key(kmsg.DescribeShareGroupOffsets, 1, 1),
	}
}

// answer returns the body of the response, nil to what the broker does not know.
func (b *broker) answer(req kmsg.Request, throttle int32) *body {
	resp := req.ResponseKind()
	if t, ok := resp.(kmsg.SetThrottleResponse); ok {
		t.SetThrottle(throttle)
	}
	switch req := req.(type) {
	case *kmsg.ApiVersionsRequest:
		resp.(*kmsg.ApiVersionsResponse).ApiKeys = versions()
		return &body{head: resp.AppendTo(nil)}
	case *kmsg.MetadataRequest:
		return b.cluster.metadata.answer(req, b.cluster.nodes, throttle)
	case *kmsg.FindCoordinatorRequest:
		return b.coordinators(req, resp.(*kmsg.FindCoordinatorResponse))
	case *kmsg.ListGroupsRequest:
		out := newBody(resp)
		out.items, out.chunks = b.list.items, b.list.chunks
		return out
	case *kmsg.OffsetFetchRequest:
		return b.commitsOf(req, newBody(resp))
	case *kmsg.DescribeShareGroupOffsetsRequest:
		return b.sharesOf(req, newBody(resp))
	case *kmsg.ListOffsetsRequest:
		return b.offsets(req, newBody(resp))
	case *kmsg.DescribeGroupsRequest:
		return b.describedOf(req.Groups, resp)
	case *kmsg.ConsumerGroupDescribeRequest:
		return b.describedOf(req.Groups, resp)
	case *kmsg.ShareGroupDescribeRequest:
		return b.describedOf(req.GroupIDs, resp)
	case *kmsg.StreamsGroupDescribeRequest:
		return b.describedOf(req.Groups, resp)
	}
	return nil
}

func (b *broker) coordinators(req *kmsg.FindCoordinatorRequest, resp *kmsg.FindCoordinatorResponse) *body {
	for _, key := range req.CoordinatorKeys {
		node := b.cluster.nodes[b.cluster.shape.Coordinator(key)-1]
		resp.Coordinators = append(resp.Coordinators, kmsg.FindCoordinatorResponseCoordinator{Key: key, NodeID: node.NodeID, Host: node.Host, Port: node.Port})
	}
	return &body{head: resp.AppendTo(nil)}
}

// commitsOf answers all that a group has committed, whatever topics were named.
func (b *broker) commitsOf(req *kmsg.OffsetFetchRequest, out *body) *body {
	for i := range req.Groups {
		name := req.Groups[i].Group
		if at, ok := b.commits.spans[name]; ok {
			out.take(b.commits, at)
			continue
		}
		one := kmsg.NewPtrOffsetFetchResponse()
		one.Version = 9
		one.Groups = []kmsg.OffsetFetchResponseGroup{{Group: name, ErrorCode: b.missing(name, 0)}} // to Kafka, an unknown group has no commits
		out.add(one)
	}
	return out
}

func (b *broker) sharesOf(req *kmsg.DescribeShareGroupOffsetsRequest, out *body) *body {
	for i := range req.Groups {
		name := req.Groups[i].GroupID
		if at, ok := b.shares.spans[name]; ok {
			out.take(b.shares, at)
			continue
		}
		one := kmsg.NewPtrDescribeShareGroupOffsetsResponse()
		one.Version = one.MaxVersion()
		one.Groups = []kmsg.DescribeShareGroupOffsetsResponseGroup{{GroupID: name, ErrorCode: b.missing(name, kerr.GroupIDNotFound.Code)}}
		out.add(one)
	}
	return out
}

// missing returns the error code for a group that the broker does not have, of which notFound is to be used if no broker has it.
func (b *broker) missing(group string, notFound int16) int16 {
	if b.cluster.shape.Coordinator(group) != b.node {
		return kerr.NotCoordinator.Code
	}
	return notFound
}

func (b *broker) describedOf(groups []string, resp kmsg.Response) *body {
	out, t := newBody(resp), b.described[kmsg.Key(resp.Key())]
	for _, name := range groups {
		if at, ok := t.spans[name]; ok {
			out.take(t, at)
			continue
		}
		out.add(undescribed(name, b.missing(name, kerr.GroupIDNotFound.Code), resp))
	}
	return out
}

// undescribed is the description of one group that the broker does not have.
func undescribed(group string, code int16, like kmsg.Response) kmsg.Response {
	switch like.(type) {
	case *kmsg.DescribeGroupsResponse:
		one := kmsg.NewDescribeGroupsResponseGroup()
		one.Group, one.ErrorCode, one.State = group, code, "Dead"
		return &kmsg.DescribeGroupsResponse{Version: like.GetVersion(), Groups: []kmsg.DescribeGroupsResponseGroup{one}}
	case *kmsg.ConsumerGroupDescribeResponse:
		one := kmsg.NewConsumerGroupDescribeResponseGroup()
		one.Group, one.ErrorCode = group, code
		return &kmsg.ConsumerGroupDescribeResponse{Version: like.GetVersion(), Groups: []kmsg.ConsumerGroupDescribeResponseGroup{one}}
	case *kmsg.ShareGroupDescribeResponse:
		one := kmsg.NewShareGroupDescribeResponseGroup()
		one.GroupID, one.ErrorCode = group, code
		return &kmsg.ShareGroupDescribeResponse{Version: like.GetVersion(), Groups: []kmsg.ShareGroupDescribeResponseGroup{one}}
	}
	one := kmsg.NewStreamsGroupDescribeResponseGroup()
	one.Group, one.ErrorCode = group, code
	return &kmsg.StreamsGroupDescribeResponse{Version: like.GetVersion(), Groups: []kmsg.StreamsGroupDescribeResponseGroup{one}}
}

// The timestamps by which ListOffsets names the two ends of a log.
const (
	latest   = -1
	earliest = -2
)

// offsets answers each topic with offsets of one kind: a reader names one timestamp per request.
func (b *broker) offsets(req *kmsg.ListOffsetsRequest, out *body) *body {
	for i := range req.Topics {
		topic := &req.Topics[i]
		var t *table
		switch {
		case len(topic.Partitions) == 0:
		case topic.Partitions[0].Timestamp == earliest:
			t = b.starts
		case topic.Partitions[0].Timestamp == latest && req.IsolationLevel == 1:
			t = b.stables
		case topic.Partitions[0].Timestamp == latest:
			t = b.ends
		}
		if t != nil && b.allOf(t, topic) {
			out.take(t, t.spans[topic.Topic])
		} else {
			out.addBytes(someOf(t, topic))
		}
	}
	return out
}

// allOf says whether what is asked for is all that the broker leads of the topic. Partitions are counted if they ascend, as none is
// then named twice.
func (b *broker) allOf(t *table, topic *kmsg.ListOffsetsRequestTopic) bool {
	at, ok := t.spans[topic.Topic]
	if !ok || len(at.rows) != len(topic.Partitions) {
		return false
	}
	before := int32(-1)
	for i := range topic.Partitions {
		p := &topic.Partitions[i]
		if p.Partition <= before || int(p.Partition) >= b.cluster.shape.partitionsOf(at.index) ||
			b.cluster.shape.Leader(at.index, int(p.Partition)) != b.node || p.Timestamp != topic.Partitions[0].Timestamp {
			return false
		}
		before = p.Partition
	}
	return true
}

// someOf returns the topic with the rows asked for, in the order of the table; what the table lacks is led by others.
func someOf(t *table, topic *kmsg.ListOffsetsRequestTopic) []byte {
	var rows []byte
	asked := make(map[int]bool, len(topic.Partitions))
	for i := range topic.Partitions {
		asked[int(topic.Partitions[i].Partition)] = true
	}
	count := len(asked)
	if t != nil {
		at := t.spans[topic.Topic]
		for i, partition := range at.rows {
			if asked[partition] {
				from := t.firstRow(at) + i*t.row.size
				rows = append(rows, t.bytes[from:from+t.row.size]...)
				delete(asked, partition)
			}
		}
	}
	item := kbin.AppendCompactString(nil, topic.Topic)
	item = kbin.AppendCompactArrayLen(item, count)
	item = append(item, rows...)
	for partition := range asked {
		item = append(item, errorRow(partition)...)
	}
	return append(item, 0) // no tags
}

func errorRow(partition int) []byte {
	row := listed(partition, -1, -1, kerr.NotLeaderForPartition.Code)
	item := onlyItem(listOffsetsResponse(kmsg.ListOffsetsResponseTopic{Partitions: []kmsg.ListOffsetsResponseTopicPartition{row}}))
	return item[2 : len(item)-1] // without the empty name, the count and the topic's tags
}
