package kafka

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// decodeKind is one kind of answer: how kmsg reads it, how we do, and what both make of it in the same terms.
type decodeKind struct {
	name       string
	maxVersion int16
	request    func(version int16) kmsg.Request // of ours
	theirs     func() kmsg.Response
	// ours decodes what ReadFrom was given, to be compared with what expect makes of kmsg's.
	ours   func(resp kmsg.Response) (any, error)
	expect func(resp kmsg.Response) any
}

type testCodeError int16

func (c testCodeError) Error() string { return fmt.Sprintf("code %d", int16(c)) }

func testCodeErr(code int16) error { return testCodeError(code) }

func anyName(name []byte) (string, bool) { return string(name), true }

func anyTopic(string) bool { return true }

func decodeKinds() []decodeKind {
	return []decodeKind{commitsKind(), endsKind(), metadataKind(), listKind(), membersKind(), consumerMembersKind()}
}

func commitsKind() decodeKind {
	return decodeKind{
		name: "OffsetFetch", maxVersion: 9,
		request: func(version int16) kmsg.Request {
			return commitsRequest{&kmsg.OffsetFetchRequest{Version: version}}
		},
		theirs: func() kmsg.Response { return kmsg.NewPtrOffsetFetchResponse() },
		ours: func(resp kmsg.Response) (any, error) {
			got, err := resp.(*commitsResponse).decode(anyName, anyName, testCodeErr, nil)
			for _, g := range got {
				canonicalCommits(g.Topics)
			}
			return got, err
		},
		expect: func(resp kmsg.Response) any {
			r := resp.(*kmsg.OffsetFetchResponse)
			groups := r.Groups
			if r.Version < offsetFetchGroups {
				groups = []kmsg.OffsetFetchResponseGroup{*batched("", r)}
			}
			out := []decodedCommits{}
			for _, g := range groups {
				one := decodedCommits{Group: g.Group, Code: g.ErrorCode}
				for _, t := range g.Topics {
					topic := lag.TopicCommits{Topic: t.Topic}
					for _, p := range t.Partitions {
						topic.Partitions = append(topic.Partitions, lag.Commit{Partition: p.Partition, LeaderEpoch: p.LeaderEpoch, Offset: p.Offset})
						if p.ErrorCode != 0 {
							topic.Failed = append(topic.Failed, lag.FailedCommit{Partition: p.Partition, Err: testCodeError(p.ErrorCode)})
						}
					}
					one.Topics = append(one.Topics, topic)
				}
				canonicalCommits(one.Topics)
				out = append(out, one)
			}
			return out
		},
	}
}

// canonicalCommits puts what is there twice in one order. What ours sorted it leaves sorted, by the same keys.
func canonicalCommits(topics []lag.TopicCommits) {
	for _, t := range topics {
		slices.SortFunc(t.Failed, func(a, b lag.FailedCommit) int {
			return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Err.Error(), b.Err.Error()))
		})
		slices.SortFunc(t.Partitions, func(a, b lag.Commit) int {
			return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
		})
	}
	slices.SortFunc(topics, func(a, b lag.TopicCommits) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
}

func endsKind() decodeKind {
	canonical := func(rows []decodedEnd) {
		slices.SortFunc(rows, func(a, b decodedEnd) int {
			return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
		})
	}
	return decodeKind{
		name: "ListOffsets", maxVersion: kmsg.NewPtrListOffsetsResponse().MaxVersion(),
		request: func(version int16) kmsg.Request {
			return &endsRequest{version: version}
		},
		theirs: func() kmsg.Response { return kmsg.NewPtrListOffsetsResponse() },
		ours: func(resp kmsg.Response) (any, error) {
			var got []decodedEnds
			err := resp.(*endsResponse).decode(anyName, func(t decodedEnds) {
				t.Rows = slices.Clone(t.Rows)
				got = append(got, t)
			})
			for _, t := range got {
				canonical(t.Rows)
			}
			return got, err
		},
		expect: func(resp kmsg.Response) any {
			out := []decodedEnds{}
			for _, t := range resp.(*kmsg.ListOffsetsResponse).Topics {
				topic := decodedEnds{Topic: t.Topic}
				for _, p := range t.Partitions {
					row := decodedEnd{Offset: p.Offset, Partition: p.Partition, LeaderEpoch: p.LeaderEpoch, Code: p.ErrorCode}
					if len(p.OldStyleOffsets) > 0 {
						row.Offset = p.OldStyleOffsets[0]
					}
					topic.Rows = append(topic.Rows, row)
				}
				canonical(topic.Rows)
				out = append(out, topic)
			}
			return out
		},
	}
}

func metadataKind() decodeKind {
	return decodeKind{
		name: "Metadata", maxVersion: kmsg.NewPtrMetadataResponse().MaxVersion(),
		request: func(version int16) kmsg.Request {
			return metadataRequest{&kmsg.MetadataRequest{Version: version}}
		},
		theirs: func() kmsg.Response { return kmsg.NewPtrMetadataResponse() },
		ours: func(resp kmsg.Response) (any, error) {
			got, err := resp.(*metadataResponse).decode(anyName)
			if err != nil {
				return nil, err
			}
			return *got, nil
		},
		expect: expectedMetadata,
	}
}

func expectedMetadata(resp kmsg.Response) any {
	r := resp.(*kmsg.MetadataResponse)
	out := decodedMetadata{Code: r.ErrorCode, Cluster: deref(r.ClusterID)}
	for _, b := range r.Brokers {
		out.Brokers = append(out.Brokers, lag.Broker{ID: b.NodeID, Address: net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))})
	}
	slices.SortStableFunc(out.Brokers, func(a, b lag.Broker) int { return cmp.Compare(a.ID, b.ID) })
	for _, t := range r.Topics {
		if t.Topic == nil {
			continue
		}
		topic := decodedTopic{Name: *t.Topic, ID: t.TopicID, Code: t.ErrorCode}
		slices.SortStableFunc(t.Partitions, func(a, b kmsg.MetadataResponseTopicPartition) int { return cmp.Compare(a.Partition, b.Partition) })
		for _, p := range t.Partitions {
			row := lag.Partition{
				Partition: p.Partition, Leader: p.Leader, PreferredLeader: -1, LeaderEpoch: p.LeaderEpoch,
				Replicas: int32(len(p.Replicas)), InSyncReplicas: int32(len(p.ISR)),
			}
			if len(p.Replicas) > 0 {
				row.PreferredLeader = p.Replicas[0]
			}
			topic.Partitions = append(topic.Partitions, row)
			if p.Leader < 0 {
				if topic.Codes == nil {
					topic.Codes = map[int32]int16{}
				}
				topic.Codes[p.Partition] = p.ErrorCode
			}
		}
		out.Topics = append(out.Topics, topic)
	}
	slices.SortStableFunc(out.Topics, func(a, b decodedTopic) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func listKind() decodeKind {
	type list struct {
		code   int16
		groups []decodedGroup
	}
	return decodeKind{
		name: "ListGroups", maxVersion: kmsg.NewPtrListGroupsResponse().MaxVersion(),
		request: func(version int16) kmsg.Request {
			return listRequest{&kmsg.ListGroupsRequest{Version: version}}
		},
		theirs: func() kmsg.Response { return kmsg.NewPtrListGroupsResponse() },
		ours: func(resp kmsg.Response) (any, error) {
			code, groups, err := resp.(*listResponse).decode(anyName)
			return list{code, groups}, err
		},
		expect: func(resp kmsg.Response) any {
			r := resp.(*kmsg.ListGroupsResponse)
			out := list{code: r.ErrorCode}
			for _, g := range r.Groups {
				out.groups = append(out.groups, decodedGroup{g.Group, g.ProtocolType, g.GroupState, g.GroupType})
			}
			return out
		},
	}
}

func membersKind() decodeKind {
	return decodeKind{
		name: "DescribeGroups", maxVersion: kmsg.NewPtrDescribeGroupsResponse().MaxVersion(),
		request: func(version int16) kmsg.Request {
			return membersRequest{&kmsg.DescribeGroupsRequest{Version: version}}
		},
		theirs: func() kmsg.Response { return kmsg.NewPtrDescribeGroupsResponse() },
		ours: func(resp kmsg.Response) (any, error) {
			return resp.(*membersResponse).decode(anyName, nil, anyTopic, &memberCache{})
		},
		expect: func(resp kmsg.Response) any {
			out := []decodedMembers{}
			for _, g := range resp.(*kmsg.DescribeGroupsResponse).Groups {
				one := decodedMembers{Group: g.Group, Code: g.ErrorCode, State: g.State, ProtocolType: g.ProtocolType, Protocol: g.Protocol}
				for i := range g.Members {
					m, err := classicMember(&g.Members[i], g.ProtocolType)
					if err != nil {
						one.Err = err
					}
					one.Members = append(one.Members, m)
				}
				out = append(out, one)
			}
			return out
		},
	}
}

func consumerMembersKind() decodeKind {
	return decodeKind{
		name: "ConsumerGroupDescribe", maxVersion: kmsg.NewPtrConsumerGroupDescribeResponse().MaxVersion(),
		request: func(version int16) kmsg.Request {
			return consumerMembersRequest{&kmsg.ConsumerGroupDescribeRequest{Version: version}}
		},
		theirs: func() kmsg.Response { return kmsg.NewPtrConsumerGroupDescribeResponse() },
		ours: func(resp kmsg.Response) (any, error) {
			return resp.(*consumerMembersResponse).decode(anyName, nil, anyTopic, &memberCache{})
		},
		expect: func(resp kmsg.Response) any {
			out := []decodedMembers{}
			for _, g := range resp.(*kmsg.ConsumerGroupDescribeResponse).Groups {
				one := decodedMembers{Group: g.Group, Code: g.ErrorCode, State: g.State, Protocol: g.AssignorName}
				for i := range g.Members {
					one.Members = append(one.Members, consumerMember(&g.Members[i]))
				}
				out = append(out, one)
			}
			return out
		},
	}
}

// check decodes body both ways. What we accept kmsg accepts too and reads the same; the error is ours. Where we do not accept it,
// kmsg is not asked: it can take minutes over a few hostile bytes.
func (k decodeKind) check(t *testing.T, version int16, body []byte) error {
	t.Helper()
	resp := k.request(version).ResponseKind()
	if resp.GetVersion() != version {
		t.Fatalf("%s: ResponseKind has version %d, the request %d", k.name, resp.GetVersion(), version)
	}
	if err := resp.ReadFrom(body); err != nil {
		return err
	}
	got, err := k.ours(resp)
	if err != nil {
		return err
	}
	theirs := k.theirs()
	theirs.SetVersion(version)
	if err := theirs.ReadFrom(body); err != nil {
		t.Fatalf("%s v%d: we accept what kmsg does not: %v\n%x", k.name, version, err, body)
	}
	want := k.expect(theirs)
	got, want = dropUnreadable(got, want)
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Fatalf("%s v%d: we read\n%s\nkmsg\n%s", k.name, version, g, w)
	}
	millis, after := resp.(kmsg.ThrottleResponse).Throttle()
	wantMillis, wantAfter := theirs.(kmsg.ThrottleResponse).Throttle()
	if millis != wantMillis || after != wantAfter {
		t.Fatalf("%s v%d: throttled for %d ms (%v), kmsg says %d (%v)", k.name, version, millis, after, wantMillis, wantAfter)
	}
	return nil
}

// dropUnreadable leaves out the members of groups whose opaque parts we or kmsg could not read: kmsg reads on to where nothing
// matters to us, and takes negative lengths for null.
func dropUnreadable(got, want any) (any, any) {
	ours, ok := got.([]decodedMembers)
	if !ok {
		return got, want
	}
	theirs := want.([]decodedMembers)
	for i := range min(len(ours), len(theirs)) {
		if ours[i].Err != nil || theirs[i].Err != nil {
			ours[i].Members, ours[i].Err, theirs[i].Members, theirs[i].Err = nil, nil, nil, nil
		}
	}
	return ours, theirs
}
