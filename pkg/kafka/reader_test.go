package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/goleak"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReadsCommitsAndBothEndsOfTheLog(t *testing.T) {
	f := newFake(t)
	f.produce("orders", 10, 0, 1, 2, 3)
	f.commit("billing", "orders", 4, 10, 0)
	if err := f.DeleteRecords("orders", 2, 7); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	obs := f.reader().Read(t.Context(), nil)
	if obs.MetadataErr != nil || obs.ListingErr != nil {
		t.Fatal(obs.MetadataErr, obs.ListingErr)
	}
	if len(obs.Brokers) != 3 || obs.Brokers[0].Err != nil || obs.Cluster != "test" {
		t.Fatalf("brokers %+v of cluster %q", obs.Brokers, obs.Cluster)
	}
	g := group(t, obs, "billing")
	if g.CommitsErr != nil || g.CommitsReadAt.Before(before) || g.Type != lag.GroupClassic || g.Coordinator != f.CoordinatorFor("billing") {
		t.Fatalf("group %+v", g)
	}
	var offsets []int64
	for _, c := range g.Commits[0].Partitions {
		offsets = append(offsets, c.Offset)
	}
	if !slices.Equal(offsets, []int64{4, 10, 0}) {
		t.Fatalf("committed offsets %v", offsets)
	}
	p := logs(topic(t, obs, "orders"))[2]
	if p.Start.Value != 7 || p.End.Value != 10 || p.End.ReadAt.Before(g.CommitsReadAt) {
		t.Fatalf("partition 2: %+v, commits read at %v", p, g.CommitsReadAt)
	}
	got, err := total(obs, "billing")
	if err != nil || got.Lag != 6+0+3 || got.MaxLag != 6 || got.Partitions != 3 {
		t.Fatalf("total %+v, %v", got, err)
	}
}

func TestReadsMembersOfClassicAndConsumerGroups(t *testing.T) {
	f := newFake(t)
	f.produce("orders", 5, 0, 1, 2, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	join := func(name string, opts ...kgo.Opt) {
		client := f.newClient(append(opts, kgo.ClientID(name+"-client"), kgo.ConsumerGroup(name), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit())...)
		if fetches := client.PollRecords(ctx, 1); fetches.Err() != nil {
			t.Fatal(fetches.Err())
		}
	}
	join("classic")
	join("consumer", kgo.ServerSideBalancer()) // KIP-848

	obs := f.reader().Read(ctx, nil)
	for name, want := range map[string]lag.GroupType{"classic": lag.GroupClassic, "consumer": lag.GroupConsumer} {
		g := group(t, obs, name)
		if g.Type != want || g.MembersErr != nil || len(g.Members) != 1 {
			t.Fatalf("%s: %+v", name, g)
		}
		m := g.Members[0]
		if m.ClientID != name+"-client" || !slices.Equal(m.Subscribed, []string{"orders"}) || len(m.Assigned) != 1 || len(m.Assigned[0].Partitions) != 4 {
			t.Fatalf("%s: member %+v", name, m)
		}
	}
}

// The rows' numbers are those of the fault catalogue.

func TestRow1HungBrokerTakesNoOtherWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeInMemory(t)
		f.produce("orders", 3, 0, 1, 2, 3)
		var names []string
		for i := range 12 {
			names = append(names, fmt.Sprintf("group-%d", i))
			f.commit(names[i], "orders", 1)
		}
		hung := f.CoordinatorFor(names[0])
		r := f.reader(func(c *Config) { c.Timeout = 1500 * time.Millisecond })
		healthy := r.Read(t.Context(), nil)
		if len(healthy.Groups) != len(names) {
			t.Fatalf("%d groups, want %d", len(healthy.Groups), len(names))
		}
		f.hang(hung)

		obs := r.Read(t.Context(), nil)
		if obs.MetadataErr != nil || obs.ListingErr == nil {
			t.Fatalf("metadata: %v, list of groups: %v, want only an error of the latter", obs.MetadataErr, obs.ListingErr)
		}
		for _, b := range obs.Brokers {
			if (b.Err != nil) != (b.ID == hung) {
				t.Errorf("broker %d: %v", b.ID, b.Err)
			}
			if b.ID == hung && lag.ClassOf(b.Err) != lag.ClassTimeout {
				t.Errorf("class %s of %v, want timeout", lag.ClassOf(b.Err), b.Err)
			}
		}
		for _, name := range names {
			if at := f.CoordinatorFor(name); at != hung && group(t, obs, name).CommitsErr != nil {
				t.Errorf("%s at broker %d: %v", name, at, group(t, obs, name).CommitsErr)
			}
		}
		for _, p := range logs(topic(t, obs, "orders")) {
			if (p.End.Err != nil) != (p.Leader == hung) {
				t.Errorf("partition %d, led by %d: %v", p.Partition.Partition, p.Leader, p.End.Err)
			}
		}
		next := lag.Compute(lag.Compute(nil, healthy, nil), obs, nil)
		if len(next.Groups) != len(names) {
			t.Errorf("%d groups after an incomplete list, want all %d kept", len(next.Groups), len(names))
		}
	})
}

func TestRow3LoadingCoordinatorIsNoAbsence(t *testing.T) {
	f := newFake(t)
	f.commit("billing", "orders", 0)
	f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Group: "billing", Err: kerr.CoordinatorLoadInProgress, Count: 1})
	r := f.reader()
	g := group(t, r.Read(t.Context(), nil), "billing")
	if lag.ClassOf(g.CommitsErr) != lag.ClassCoordinator {
		t.Fatalf("class %s of %v", lag.ClassOf(g.CommitsErr), g.CommitsErr)
	}
	if g := group(t, r.Read(t.Context(), nil), "billing"); g.CommitsErr != nil {
		t.Fatalf("not over at the next poll: %v", g.CommitsErr)
	}
	f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListGroups}, TopLevel: true, Err: kerr.CoordinatorLoadInProgress, Count: 3})
	if obs := r.Read(t.Context(), nil); obs.ListingErr == nil {
		t.Fatal("the list of groups is said to be complete although no coordinator gave one")
	}
}

func TestRow2PartitionErrorsStayWithThePartition(t *testing.T) {
	f := newFake(t)
	f.produce("orders", 2, 0, 1, 2, 3)
	f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "orders", Partitions: []int32{1}, Err: kerr.NotLeaderForPartition, Count: -1})
	for _, p := range logs(topic(t, f.reader().Read(t.Context(), nil), "orders")) {
		if (p.End.Err != nil) != (p.Partition.Partition == 1) {
			t.Errorf("partition %d: %v", p.Partition.Partition, p.End.Err)
		}
	}
}

func TestRow4ClusterDown(t *testing.T) {
	f := newFake(t)
	r := f.reader()
	f.Close()
	obs := r.Read(t.Context(), nil)
	if lag.ClassOf(obs.MetadataErr) != lag.ClassConnection || obs.ListingErr == nil {
		t.Fatalf("metadata: %v (class %s), list of groups: %v", obs.MetadataErr, lag.ClassOf(obs.MetadataErr), obs.ListingErr)
	}
	if !strings.Contains(obs.MetadataErr.Error(), "refused") {
		t.Errorf("%q does not tell the cause", obs.MetadataErr)
	}
}

// kfake drops the commits on a topic with the topic, where Kafka keeps them for a while, so the commits are answered here.
func TestRow8DeletedTopicIsToldFromAForbiddenOne(t *testing.T) {
	f := newFake(t, kfake.SeedTopics(1, "forbidden"))
	f.commit("billing", "orders", 0)
	f.ControlKey(int16(kmsg.OffsetFetch), commitsOn("orders", "gone", "forbidden"))
	f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "forbidden", Err: kerr.TopicAuthorizationFailed, Count: -1})
	obs := f.reader().Read(t.Context(), nil)
	if n := len(group(t, obs, "billing").Commits); n != 3 {
		t.Fatalf("commits on %d topics, want 3", n)
	}
	if err := topic(t, obs, "gone").Err; lag.ClassOf(err) != lag.ClassNotFound {
		t.Errorf("deleted topic: %v", err)
	}
	if err := topic(t, obs, "forbidden").Err; lag.ClassOf(err) != lag.ClassAuthorization {
		t.Errorf("forbidden topic: %v", err)
	}
	if err := topic(t, obs, "orders").Err; err != nil {
		t.Errorf("another topic: %v", err)
	}
}

// commitsOn answers an OffsetFetch with a committed offset of 0 on partition 0 of each topic, for every group.
func commitsOn(topics ...string) func(kmsg.Request) (kmsg.Response, error, bool) {
	return func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
		for _, asked := range req.(*kmsg.OffsetFetchRequest).Groups {
			g := kmsg.NewOffsetFetchResponseGroup()
			g.Group = asked.Group
			for _, name := range topics {
				one := kmsg.NewOffsetFetchResponseGroupTopic()
				one.Topic = name
				one.Partitions = append(one.Partitions, kmsg.NewOffsetFetchResponseGroupTopicPartition())
				g.Topics = append(g.Topics, one)
			}
			resp.Groups = append(resp.Groups, g)
		}
		return resp, nil, true
	}
}

func TestRow11ForbiddenGroupTakesNoOtherWithIt(t *testing.T) {
	f := newFake(t)
	f.commit("ours", "orders", 0)
	f.commit("theirs", "orders", 0)
	f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch, kmsg.DescribeGroups}, Group: "theirs", Err: kerr.GroupAuthorizationFailed, Count: -1})
	obs := f.reader().Read(t.Context(), nil)
	if g := group(t, obs, "theirs"); lag.ClassOf(g.CommitsErr) != lag.ClassAuthorization || lag.ClassOf(g.MembersErr) != lag.ClassAuthorization {
		t.Errorf("theirs: %v, %v", g.CommitsErr, g.MembersErr)
	}
	if g := group(t, obs, "ours"); g.CommitsErr != nil || g.MembersErr != nil {
		t.Errorf("ours: %v, %v", g.CommitsErr, g.MembersErr)
	}
}

func TestRow12OldBrokers(t *testing.T) {
	for _, versions := range []*kversion.Versions{kversion.V2_1_0(), kversion.V2_8_0(), kversion.V3_3_0()} {
		t.Run(versions.VersionGuess(), func(t *testing.T) {
			f := newFake(t, kfake.MaxVersions(versions))
			f.produce("orders", 5, 0, 1)
			for i := range 5 {
				f.commit(fmt.Sprintf("group-%d", i), "orders", 2, 1)
			}
			obs := f.reader().Read(t.Context(), nil)
			for i := range 5 {
				if got, err := total(obs, fmt.Sprintf("group-%d", i)); err != nil || got.Lag != 3+4 {
					t.Errorf("group-%d: %+v, %v", i, got, err)
				}
			}
		})
	}
}

func TestFiltersKeepNamesOut(t *testing.T) {
	f := newFake(t, kfake.SeedTopics(1, "secret"))
	f.commit("billing", "orders", 0)
	f.commit("billing", "secret", 0)
	f.commit("hidden", "orders", 0)
	obs := f.reader(func(c *Config) {
		c.Groups = func(name string) bool { return name != "hidden" }
		c.Topics = func(name string) bool { return name != "secret" }
	}).Read(t.Context(), nil)
	if len(obs.Groups) != 1 || len(obs.Groups[0].Commits) != 1 {
		t.Errorf("groups %+v", obs.Groups)
	}
	for _, topic := range obs.Topics {
		if topic.Name == "secret" {
			t.Error("a filtered topic was read")
		}
	}
}

func TestClassify(t *testing.T) {
	for err, want := range map[error]lag.Class{
		context.DeadlineExceeded:         lag.ClassTimeout,
		kerr.NotCoordinator:              lag.ClassCoordinator,
		kerr.TopicAuthorizationFailed:    lag.ClassAuthorization,
		kerr.SaslAuthenticationFailed:    lag.ClassAuthentication,
		kerr.UnknownTopicOrPartition:     lag.ClassNotFound,
		kerr.UnsupportedVersion:          lag.ClassUnsupported,
		kerr.PolicyViolation:             lag.ClassOther,
		errors.New("connection refused"): lag.ClassConnection,
	} {
		if got := classify(fmt.Errorf("wrapped: %w", err)); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}
