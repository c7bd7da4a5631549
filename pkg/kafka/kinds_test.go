package kafka

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// listOnly makes the fake list these groups, all of the type, at the coordinator of the first.
func (f *fake) listOnly(kind string, names ...string) {
	f.answer(kmsg.ListGroups, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.ListGroupsResponse)
		if f.CurrentNode() != f.CoordinatorFor(names[0]) {
			return resp
		}
		for _, name := range names {
			g := kmsg.NewListGroupsResponseGroup()
			g.Group, g.GroupType, g.GroupState = name, kind, "Stable"
			resp.Groups = append(resp.Groups, g)
		}
		return resp
	})
}

func TestRow10ShareGroup(t *testing.T) {
	f := newFake(t)
	f.produce("orders", 5, 0, 1, 2, 3)
	f.SetGroupConfigs("workers", map[string]string{"share.auto.offset.reset": "earliest"})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	client := f.newClient(kgo.ShareGroup("workers"), kgo.ConsumeTopics("orders"), kgo.ClientID("worker"))
	if fetches := client.PollRecords(ctx, 1); fetches.Err() != nil {
		t.Fatal(fetches.Err())
	}
	g := group(t, f.reader().Read(t.Context(), nil), "workers")
	if g.Type != lag.GroupShare || g.MembersErr != nil || g.CommitsErr != nil || g.CommitsReadAt.IsZero() {
		t.Fatalf("%+v", g)
	}
	if len(g.Members) != 1 || g.Members[0].ClientID != "worker" || !slices.Equal(g.Members[0].Subscribed, []string{"orders"}) {
		t.Errorf("members %+v", g.Members)
	}
}

func TestRow10ShareGroupOffsets(t *testing.T) {
	f := newFake(t)
	f.listOnly("Share", "workers")
	f.answer(kmsg.DescribeShareGroupOffsets, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.DescribeShareGroupOffsetsResponse)
		resp.Groups = []kmsg.DescribeShareGroupOffsetsResponseGroup{{
			GroupID: "workers",
			Topics: []kmsg.DescribeShareGroupOffsetsResponseGroupTopic{{Topic: "orders", Partitions: []kmsg.DescribeShareGroupOffsetsResponseGroupTopicPartition{
				{Partition: 1, StartOffset: -1, LeaderEpoch: -1, Lag: -1}, {Partition: 0, StartOffset: 7, LeaderEpoch: 2, Lag: 5},
			}}},
		}}
		return resp
	})
	g := group(t, f.reader().Read(t.Context(), nil), "workers")
	want := []lag.TopicCommits{{
		Topic: "orders", BrokerLags: []int64{5, lag.NoOffset},
		Partitions: []lag.Commit{{Partition: 0, Offset: 7, LeaderEpoch: 2}, {Partition: 1, Offset: lag.NoOffset, LeaderEpoch: -1}},
	}}
	if g.CommitsErr != nil || !reflect.DeepEqual(g.Commits, want) {
		t.Fatalf("%+v, want %+v", g, want)
	}
}

// kfake knows no streams groups.
func TestRow10StreamsGroup(t *testing.T) {
	f := newFake(t, kfake.SeedTopics(2, "small"))
	f.answer(kmsg.ApiVersions, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.ApiVersionsResponse)
		for key, version := range map[kmsg.Key]int16{
			kmsg.ListOffsets: 8, kmsg.Metadata: 12, kmsg.OffsetFetch: 9, kmsg.DescribeGroups: 5, kmsg.ListGroups: 5, kmsg.ApiVersions: 3,
			kmsg.StreamsGroupDescribe: 0,
		} {
			resp.ApiKeys = append(resp.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: int16(key), MaxVersion: version})
		}
		return resp
	})
	f.listOnly("Streams", "app", "starting")
	f.answer(kmsg.StreamsGroupDescribe, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.StreamsGroupDescribeResponse)
		app := kmsg.NewStreamsGroupDescribeResponseGroup()
		app.Group, app.State = "app", "Stable"
		app.Topology = &kmsg.StreamsGroupDescribeResponseGroupTopology{Subtopologies: []kmsg.StreamsGroupDescribeResponseGroupTopologySubtopology{
			{SubtopologyID: "0", SourceTopics: []string{"orders", "small"}, RepartitionSinkTopics: []string{"app-repartition"}},
			{SubtopologyID: "1", RepartitionSourceTopics: []kmsg.TopicInfo{{Topic: "app-repartition"}}, StateChangelogTopics: []kmsg.TopicInfo{{Topic: "app-changelog"}}},
		}}
		m := kmsg.NewStreamsGroupDescribeResponseGroupMember()
		m.MemberID, m.ClientID, m.ClientHost = "m", "c", "/10.0.0.1"
		m.Assignment.ActiveTasks = []kmsg.TaskIDs{{SubtopologyID: "0", Partitions: []int32{1, 3}}}
		m.Assignment.StandbyTasks = []kmsg.TaskIDs{{SubtopologyID: "0", Partitions: []int32{0}}}
		app.Members = append(app.Members, m)
		starting := kmsg.NewStreamsGroupDescribeResponseGroup() // without a topology yet
		starting.Group, starting.State = "starting", "NotReady"
		resp.Groups = append(resp.Groups, app, starting)
		return resp
	})
	f.answer(kmsg.OffsetFetch, func(req kmsg.Request) kmsg.Response {
		resp, _, _ := commitsOn("orders")(req)
		return resp
	})
	obs := f.reader().Read(t.Context(), nil)
	g := group(t, obs, "app")
	if g.MembersErr != nil || len(g.Members) != 1 || len(g.Commits) != 1 {
		t.Fatalf("%+v", g)
	}
	m := g.Members[0]
	if want := []string{"app-repartition", "orders", "small"}; !slices.Equal(m.Subscribed, want) {
		t.Errorf("subscribed to %v, want %v", m.Subscribed, want)
	}
	if len(m.Assigned) != 2 || m.Assigned[0].Topic != "orders" || !slices.Equal(m.Assigned[0].Partitions, []int32{1, 3}) ||
		!slices.Equal(m.Assigned[1].Partitions, []int32{1}) {
		t.Errorf("assigned %+v; a task has a partition of those topics only that have so many", m.Assigned)
	}
	if g := group(t, obs, "starting"); g.MembersErr != nil || g.MembersReadAt.IsZero() || len(g.Members) != 0 {
		t.Errorf("%+v", g)
	}
}

func TestRow10UnknownTypeIsUnsupported(t *testing.T) {
	f := newFake(t)
	f.commit("billing", "orders", 0)
	f.listOnly("Quantum", "odd")
	g := group(t, f.reader().Read(t.Context(), nil), "odd")
	if lag.ClassOf(g.CommitsErr) != lag.ClassUnsupported || lag.ClassOf(g.MembersErr) != lag.ClassUnsupported {
		t.Errorf("%v, %v", g.CommitsErr, g.MembersErr)
	}
}
