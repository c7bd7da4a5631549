package fakekafka

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var everyType = Shape{Groups: 40, PartitionsPerGroup: 7, GroupsPerTopic: 4, MembersPerGroup: 2, Types: []string{Classic, Consumer, Share, Streams}, Seed: 5}

func start(t *testing.T, shape Shape) (*Cluster, *kgo.Client) {
	t.Helper()
	c, err := New(shape)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, newClient(t, c)
}

func newClient(t *testing.T, c *Cluster) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addresses()...), kgo.RequestRetries(0), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// ask makes one request of one broker, within a bound that only a broken fake reaches.
func ask[T kmsg.Response](t *testing.T, client *kgo.Client, node int32, req kmsg.Request) T {
	t.Helper()
	resp, err := tryAsk(t, client, node, req)
	if err != nil {
		t.Fatal(err)
	}
	return resp.(T)
}

func tryAsk(t *testing.T, client *kgo.Client, node int32, req kmsg.Request) (kmsg.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return client.Broker(int(node)).Request(ctx, req)
}

// nodes makes the client know the brokers.
func nodes(t *testing.T, client *kgo.Client) *kmsg.MetadataResponse {
	t.Helper()
	resp, err := kmsg.NewPtrMetadataRequest().RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func groupsOf(s Shape, node int32, types ...string) (names []string) {
	for g := range s.Groups {
		if s.Coordinator(s.Group(g)) == node && (len(types) == 0 || slices.Contains(types, s.Type(g))) {
			names = append(names, s.Group(g))
		}
	}
	return names
}

func numberOf(t *testing.T, s Shape, group string) int {
	t.Helper()
	for g := range s.Groups {
		if s.Group(g) == group {
			return g
		}
	}
	t.Fatalf("no group %q", group)
	return -1
}

// What Java gives for these: new String("…").hashCode().
func TestJavaHash(t *testing.T) {
	for text, want := range map[string]int32{"": 0, "a": 97, "group-00001": -393419933, "polygenelubricants": -2147483648} {
		if got := javaHash(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestMetadataIsTheShapes(t *testing.T) {
	c, client := start(t, everyType)
	s := c.Shape()
	resp := nodes(t, client)
	if len(resp.Brokers) != 3 || len(resp.Topics) != s.Topics()+1 {
		t.Fatalf("%d brokers, %d topics", len(resp.Brokers), len(resp.Topics))
	}
	topics := map[string][]kmsg.MetadataResponseTopicPartition{}
	for _, topic := range resp.Topics {
		topics[*topic.Topic] = topic.Partitions
	}
	for i := range s.Topics() {
		partitions := topics[s.Topic(i)]
		if len(partitions) != s.PartitionsPerGroup {
			t.Fatalf("topic %d: %d partitions", i, len(partitions))
		}
		for p := range partitions {
			if got := partitions[p]; got.Partition != int32(p) || got.Leader != s.Leader(i, p) || len(got.Replicas) != 3 || got.Replicas[0] != got.Leader {
				t.Fatalf("topic %d partition %d: %+v", i, p, got)
			}
		}
	}
	for g := range s.Groups {
		name := s.Group(g)
		partition := int(javaHash(name)&0x7fffffff) % len(topics[offsetsTopic])
		if leader := topics[offsetsTopic][partition].Leader; leader != s.Coordinator(name) {
			t.Fatalf("%s: the leader of its partition is %d, its coordinator %d", name, leader, s.Coordinator(name))
		}
	}
}

func TestMetadataByName(t *testing.T) {
	_, client := start(t, everyType)
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range []string{"topic-00003", "nothing", "topic-00000"} {
		req.Topics = append(req.Topics, kmsg.MetadataRequestTopic{Topic: kmsg.StringPtr(name)})
	}
	resp, err := req.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.Topics) != 3 || *resp.Topics[0].Topic != "topic-00003" || len(resp.Topics[2].Partitions) != 7 ||
		resp.Topics[1].ErrorCode != kerr.UnknownTopicOrPartition.Code {
		t.Fatalf("%+v", resp.Topics)
	}
}

func TestListsEachGroupAtItsCoordinator(t *testing.T) {
	c, client := start(t, everyType)
	s := c.Shape()
	nodes(t, client)
	for node := int32(1); node <= 3; node++ {
		resp := ask[*kmsg.ListGroupsResponse](t, client, node, kmsg.NewPtrListGroupsRequest())
		var names []string
		for _, g := range resp.Groups {
			names = append(names, g.Group)
			if want := s.Type(numberOf(t, s, g.Group)); g.GroupType != want || g.GroupState != "Stable" {
				t.Fatalf("%+v", g)
			}
		}
		if slices.IsSorted(names) {
			t.Error("the list is sorted, which Kafka's is not")
		}
		slices.Sort(names)
		if !slices.Equal(names, groupsOf(s, node)) {
			t.Fatalf("broker %d lists %v", node, names)
		}
	}
}

func TestCommitsAreTheShapesAndMove(t *testing.T) {
	c, client := start(t, everyType)
	s := c.Shape()
	nodes(t, client)
	for version := range int64(3) {
		for node := int32(1); node <= 3; node++ {
			all := groupsOf(s, node, Classic, Consumer, Streams)
			for _, names := range [][]string{all, all[:1], {all[2], all[0], all[1]}} {
				req := kmsg.NewPtrOffsetFetchRequest()
				for _, name := range names {
					req.Groups = append(req.Groups, kmsg.OffsetFetchRequestGroup{Group: name})
				}
				resp := ask[*kmsg.OffsetFetchResponse](t, client, node, req)
				if len(resp.Groups) != len(names) {
					t.Fatalf("%d of %d groups", len(resp.Groups), len(names))
				}
				for i, g := range resp.Groups {
					checkCommits(t, s, names[i], g, version)
				}
			}
		}
		c.Advance()
	}
}

func checkCommits(t *testing.T, s Shape, name string, got kmsg.OffsetFetchResponseGroup, version int64) {
	t.Helper()
	g := numberOf(t, s, name)
	if got.Group != name || got.ErrorCode != 0 || len(got.Topics) != 1 || got.Topics[0].Topic != s.Topic(s.TopicOf(g)) || len(got.Topics[0].Partitions) != s.PartitionsPerGroup {
		t.Fatalf("%s: %+v", name, got)
	}
	seen := map[int32]bool{}
	for _, p := range got.Topics[0].Partitions {
		seen[p.Partition] = true
		if p.Offset != s.Committed(g, int(p.Partition), version) || p.ErrorCode != 0 || p.LeaderEpoch != firstEpoch {
			t.Fatalf("%s: %+v", name, p)
		}
	}
	if len(seen) != s.PartitionsPerGroup {
		t.Fatalf("%s: partitions %v", name, seen)
	}
}

func TestGroupsThatAreElsewhereOrNowhere(t *testing.T) {
	c, client := start(t, everyType)
	nodes(t, client)
	elsewhere := groupsOf(c.Shape(), 2, Classic)[0]
	nowhere := "group-nowhere"
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Groups = []kmsg.OffsetFetchRequestGroup{{Group: elsewhere}, {Group: nowhere}}
	resp := ask[*kmsg.OffsetFetchResponse](t, client, 1, req)
	if resp.Groups[0].ErrorCode != kerr.NotCoordinator.Code {
		t.Errorf("%+v", resp.Groups[0])
	}
	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Groups = []string{elsewhere, nowhere}
	described := ask[*kmsg.DescribeGroupsResponse](t, client, c.Shape().Coordinator(nowhere), describe)
	if code := described.Groups[1].ErrorCode; code != kerr.GroupIDNotFound.Code {
		t.Errorf("%+v", described.Groups[1])
	}
}

func TestShareOffsetsAreTheShapes(t *testing.T) {
	c, client := start(t, everyType)
	s := c.Shape()
	nodes(t, client)
	c.Advance()
	for node := int32(1); node <= 3; node++ {
		req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
		for _, name := range groupsOf(s, node, Share) {
			req.Groups = append(req.Groups, kmsg.DescribeShareGroupOffsetsRequestGroup{GroupID: name})
		}
		resp := ask[*kmsg.DescribeShareGroupOffsetsResponse](t, client, node, req)
		if len(resp.Groups) != len(req.Groups) {
			t.Fatalf("%d of %d groups", len(resp.Groups), len(req.Groups))
		}
		for _, group := range resp.Groups {
			g := numberOf(t, s, group.GroupID)
			for _, p := range group.Topics[0].Partitions {
				if p.StartOffset != s.Committed(g, int(p.Partition), 1) || p.Lag != s.Lag(g, int(p.Partition), 1) {
					t.Fatalf("%s: %+v", group.GroupID, p)
				}
			}
		}
	}
}

func TestOffsetsAreTheShapes(t *testing.T) {
	c, client := start(t, everyType)
	s := c.Shape()
	nodes(t, client)
	for version := range int64(2) {
		for _, kind := range []struct {
			timestamp int64
			isolation int8
			want      func(topic, partition int) int64
		}{
			{earliest, 0, s.Start},
			{latest, 0, func(topic, partition int) int64 { return s.End(topic, partition, version) }},
			{latest, 1, func(topic, partition int) int64 { return s.LastStable(topic, partition, version) }},
		} {
			for _, only := range []int{-1, 3} { // all, one partition
				checkOffsets(t, s, client, kind.timestamp, kind.isolation, only, kind.want)
			}
		}
		c.Advance()
	}
}

// checkOffsets asks broker 2 for all partitions that it leads, or for one number of each topic, which others lead of some.
func checkOffsets(t *testing.T, s Shape, client *kgo.Client, timestamp int64, isolation int8, only int, want func(topic, partition int) int64) {
	t.Helper()
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel = isolation
	asked := 0
	for topic := range s.Topics() {
		one := kmsg.ListOffsetsRequestTopic{Topic: s.Topic(topic)}
		for p := range s.PartitionsPerGroup {
			if p == only || only < 0 && s.Leader(topic, p) == 2 {
				asked++
				one.Partitions = append(one.Partitions, kmsg.ListOffsetsRequestTopicPartition{Partition: int32(p), Timestamp: timestamp, CurrentLeaderEpoch: -1})
			}
		}
		req.Topics = append(req.Topics, one)
	}
	resp := ask[*kmsg.ListOffsetsResponse](t, client, 2, req)
	for i, topic := range resp.Topics {
		if topic.Topic != s.Topic(i) {
			t.Fatalf("topic %d is %q", i, topic.Topic)
		}
		for _, p := range topic.Partitions {
			asked--
			led := s.Leader(i, int(p.Partition)) == 2
			if led && (p.ErrorCode != 0 || p.Offset != want(i, int(p.Partition))) || !led && p.ErrorCode != kerr.NotLeaderForPartition.Code {
				t.Fatalf("%s: %+v", topic.Topic, p)
			}
		}
	}
	if asked != 0 {
		t.Fatalf("%d partitions are missing", asked)
	}
}

func TestOffsetsOfTheOffsetsTopic(t *testing.T) {
	c, client := start(t, everyType)
	nodes(t, client)
	topic := kmsg.ListOffsetsRequestTopic{Topic: offsetsTopic}
	for p := range int32(offsetsTopicPartitions) {
		if c.Shape().node(int(p)) == 2 {
			topic.Partitions = append(topic.Partitions, kmsg.ListOffsetsRequestTopicPartition{Partition: p, Timestamp: latest})
		}
	}
	resp := ask[*kmsg.ListOffsetsResponse](t, client, 2, &kmsg.ListOffsetsRequest{Topics: []kmsg.ListOffsetsRequestTopic{topic}})
	if len(resp.Topics[0].Partitions) != len(topic.Partitions) {
		t.Fatalf("%+v", resp.Topics)
	}
	for _, p := range resp.Topics[0].Partitions {
		if p.ErrorCode != 0 || p.Offset <= 0 {
			t.Errorf("%+v", p)
		}
	}
}

func TestDescribesEachTypeOfGroup(t *testing.T) {
	c, client := start(t, everyType)
	s := c.Shape()
	nodes(t, client)
	whole := func(g int, assigned ...int32) {
		t.Helper()
		slices.Sort(assigned)
		if !slices.Equal(assigned, []int32{0, 1, 2, 3, 4, 5, 6}) {
			t.Errorf("the members of group %d have partitions %v", g, assigned)
		}
	}
	for g := range s.Groups {
		name, node := s.Group(g), s.Coordinator(s.Group(g))
		var all []int32
		switch s.Type(g) {
		case Classic:
			resp := ask[*kmsg.DescribeGroupsResponse](t, client, node, &kmsg.DescribeGroupsRequest{Groups: []string{name}})
			for _, m := range resp.Groups[0].Members {
				var meta kmsg.ConsumerMemberMetadata
				var assignment kmsg.ConsumerMemberAssignment
				if meta.ReadFrom(m.ProtocolMetadata) != nil || assignment.ReadFrom(m.MemberAssignment) != nil || !slices.Equal(meta.Topics, []string{s.Topic(s.TopicOf(g))}) {
					t.Fatalf("%+v", m)
				}
				all = append(all, assignment.Topics[0].Partitions...)
			}
		case Consumer:
			resp := ask[*kmsg.ConsumerGroupDescribeResponse](t, client, node, &kmsg.ConsumerGroupDescribeRequest{Groups: []string{name}})
			for _, m := range resp.Groups[0].Members {
				all = append(all, m.Assignment.TopicPartitions[0].Partitions...)
			}
		case Share:
			resp := ask[*kmsg.ShareGroupDescribeResponse](t, client, node, &kmsg.ShareGroupDescribeRequest{GroupIDs: []string{name}})
			for _, m := range resp.Groups[0].Members {
				all = append(all, m.Assignment.TopicPartitions[0].Partitions...)
			}
		case Streams:
			resp := ask[*kmsg.StreamsGroupDescribeResponse](t, client, node, &kmsg.StreamsGroupDescribeRequest{Groups: []string{name}})
			for _, m := range resp.Groups[0].Members {
				all = append(all, m.Assignment.ActiveTasks[0].Partitions...)
			}
		}
		whole(g, all...)
	}
}

func TestAnOrdinaryAdminClientSeesTheCluster(t *testing.T) {
	c, client := start(t, Shape{Groups: 20, PartitionsPerGroup: 6, MembersPerGroup: 2})
	s, admin := c.Shape(), kadm.NewClient(client)
	groups, err := admin.ListGroups(t.Context())
	if err != nil || len(groups) != s.Groups {
		t.Fatalf("%d groups, %v", len(groups), err)
	}
	commits := admin.FetchManyOffsets(t.Context(), groups.Groups()...)
	ends, err := admin.ListEndOffsets(t.Context())
	if err != nil || commits.Error() != nil {
		t.Fatal(err, commits.Error())
	}
	for g := range s.Groups {
		for p := range s.PartitionsPerGroup {
			commit, _ := commits[s.Group(g)].Fetched.Lookup(s.Topic(s.TopicOf(g)), int32(p))
			end, _ := ends.Lookup(s.Topic(s.TopicOf(g)), int32(p))
			if end.Offset-commit.At != s.Lag(g, p, 0) {
				t.Fatalf("group %d partition %d: end %d, commit %d, want a lag of %d", g, p, end.Offset, commit.At, s.Lag(g, p, 0))
			}
		}
	}
	described, err := admin.DescribeGroups(t.Context(), s.Group(3))
	if err != nil || len(described[s.Group(3)].Members) != 2 {
		t.Fatalf("%+v, %v", described, err)
	}
}

func TestFaults(t *testing.T) {
	c, _ := start(t, Shape{Groups: 9, PartitionsPerGroup: 2})
	const brief, long = 200 * time.Millisecond, 20 * time.Second // brief where no answer is expected
	list := func(node int32, patience time.Duration) (*kmsg.ListGroupsResponse, error) {
		client := newClient(t, c) // one that has hung keeps its connection
		nodes(t, client)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		resp, err := client.Broker(int(node)).Request(ctx, kmsg.NewPtrListGroupsRequest())
		if err != nil {
			return nil, err
		}
		return resp.(*kmsg.ListGroupsResponse), nil
	}
	for name, fault := range map[string]Fault{
		"hang":    {Hang: true},
		"close":   {Close: true},
		"delay":   {Delay: time.Hour},
		"corrupt": {Corrupt: func(answer []byte) []byte { answer[7]++; return answer }}, // the correlation id
	} {
		c.Fault(2, kmsg.ListGroups, fault)
		if _, err := list(2, brief); err == nil {
			t.Errorf("%s: answered all the same", name)
		}
		if _, err := list(1, long); err != nil {
			t.Errorf("%s: broker 1: %v", name, err)
		}
		c.Heal()
		if _, err := list(2, long); err != nil {
			t.Errorf("%s, healed: %v", name, err)
		}
	}
	c.Fault(2, kmsg.ListGroups, Fault{Throttle: 30})
	if resp, err := list(2, long); err != nil || resp.ThrottleMillis != 30 {
		t.Errorf("%+v, %v", resp, err)
	}
}

func TestCountsAndRecordsRequests(t *testing.T) {
	c, client := start(t, Shape{Groups: 9, PartitionsPerGroup: 2})
	nodes(t, client)
	c.Counts()
	c.Record()
	for range 2 {
		ask[*kmsg.ListGroupsResponse](t, client, 3, kmsg.NewPtrListGroupsRequest())
	}
	count := c.Counts()[kmsg.ListGroups]
	if count.Requests != 2 || count.BytesIn == 0 || count.BytesOut < 9*20 {
		t.Errorf("%+v", count)
	}
	recorded := c.Recorded()
	recorded = slices.DeleteFunc(recorded, func(r Recorded) bool { return r.Key != kmsg.ListGroups })
	if len(recorded) != 2 || recorded[0].Node != 3 || recorded[0].Version != 5 {
		t.Fatalf("%+v", recorded)
	}
	again := kmsg.NewPtrListGroupsRequest()
	again.Version = recorded[0].Version
	if err := again.ReadFrom(recorded[0].Body); err != nil {
		t.Error(err)
	}
}

// What does not speak the protocol is left, and nothing of it stays.
func TestGarbageRequestsEndTheConnection(t *testing.T) {
	c, _ := start(t, Shape{Groups: 1, PartitionsPerGroup: 1})
	for _, garbage := range []string{"GET / HTTP/1.1\r\n\r\n", "\x00\x00\x00\x02ab", "\x00\x00\x00\x0a\x7f\x7f\x00\x00\x00\x00\x00\x01\xff\xff"} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", c.Addresses()[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(garbage)); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if n, err := conn.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q: %d bytes in answer, %v", garbage, n, err)
		}
		_ = conn.Close()
	}
}
