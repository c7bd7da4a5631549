package kafka

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// holdGroups makes the fake hold n groups, each with a commit on one partition of the topic. kfake itself would take long to.
func (f *fake) holdGroups(n int, topic string) {
	byNode := make(map[int32][]string)
	for i := range n {
		name := fmt.Sprintf("group-%05d", i)
		byNode[f.CoordinatorFor(name)] = append(byNode[f.CoordinatorFor(name)], name)
	}
	f.answer(kmsg.ListGroups, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.ListGroupsResponse)
		for _, name := range byNode[f.CurrentNode()] {
			g := kmsg.NewListGroupsResponseGroup()
			g.Group, g.ProtocolType, g.GroupState, g.GroupType = name, "consumer", "Empty", "Classic"
			resp.Groups = append(resp.Groups, g)
		}
		return resp
	})
	f.answer(kmsg.DescribeGroups, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.DescribeGroupsResponse)
		for _, name := range req.(*kmsg.DescribeGroupsRequest).Groups {
			g := kmsg.NewDescribeGroupsResponseGroup()
			g.Group, g.State, g.ProtocolType = name, "Empty", "consumer"
			resp.Groups = append(resp.Groups, g)
		}
		return resp
	})
	f.answer(kmsg.OffsetFetch, func(req kmsg.Request) kmsg.Response {
		resp, _, _ := commitsOn(topic)(req)
		return resp
	})
}

func groupsAsked(req kmsg.Request) []string {
	var names []string
	for _, g := range req.(*kmsg.OffsetFetchRequest).Groups {
		names = append(names, g.Group)
	}
	return names
}

func TestRequestsGrowWithBrokersNotWithGroups(t *testing.T) {
	const brokers = 3
	first, next := make(map[int]map[kmsg.Key]int), make(map[int]map[kmsg.Key]int)
	for _, n := range []int{10, 1000, 10_000} {
		f := newFake(t, kfake.SeedTopics(30, "wide")) // so that every broker leads some partition
		f.holdGroups(n, "wide")
		var sent requests
		r := f.reader(counting(&sent), func(c *Config) { c.Timeout, c.SlowEvery = time.Minute, 1e6*time.Hour })
		r.Read(t.Context(), nil) // connects
		var s *lag.Snapshot
		first[n], _ = sent.during(func() { s = poll(t, r, nil) })
		next[n], _ = sent.during(func() { s = poll(t, r, s) })
		if len(s.Groups) != n || s.ListingErr != nil || s.Groups[n-1].Reason() != nil {
			t.Fatalf("%d groups of %d, %v", len(s.Groups), n, s.ListingErr)
		}
		r.Close()
	}
	wantFirst := map[kmsg.Key]int{
		kmsg.Metadata: 1, kmsg.ListGroups: brokers, kmsg.DescribeGroups: brokers, kmsg.OffsetFetch: brokers, kmsg.ListOffsets: 2 * brokers,
	}
	wantNext := map[kmsg.Key]int{kmsg.Metadata: 1, kmsg.ListGroups: brokers, kmsg.OffsetFetch: brokers, kmsg.ListOffsets: brokers}
	for n := range first {
		if !maps.Equal(first[n], wantFirst) {
			t.Errorf("%d groups: %v at first, want %v", n, first[n], wantFirst)
		}
		if !maps.Equal(next[n], wantNext) {
			t.Errorf("%d groups: %v then, want %v", n, next[n], wantNext)
		}
	}
}

// Another reader, which may have other settings, relies on nothing that it has not read itself.
func TestAnotherReaderReadsAllAnew(t *testing.T) {
	f := newFake(t, kfake.ClusterID("one"))
	f.holdGroups(10, "orders")
	var sent requests
	reader := func() *Reader {
		r := f.reader(counting(&sent), func(c *Config) { c.Timeout, c.SlowEvery = time.Minute, 1e6*time.Hour })
		r.Read(t.Context(), nil) // connects
		return r
	}
	s := poll(t, reader(), nil)
	if s.ClusterID != "one" {
		t.Errorf("the cluster's id is %q", s.ClusterID)
	}
	next := reader()
	first, _ := sent.during(func() { s = poll(t, next, s) })
	if first[kmsg.DescribeGroups] == 0 || first[kmsg.ListOffsets] < 2 {
		t.Errorf("members and log starts of another reader count: it sent %v", first)
	}
	if then, _ := sent.during(func() { poll(t, next, s) }); then[kmsg.DescribeGroups] != 0 {
		t.Errorf("its own do not: it sent %v", then)
	}
}

func TestHotGroupsCostWhatTheyCost(t *testing.T) {
	f := newFake(t, kfake.SeedTopics(30, "wide"))
	var mu sync.Mutex
	var asked []string
	coordinators := make(map[int32]bool)
	f.answer(kmsg.OffsetFetch, func(req kmsg.Request) kmsg.Response {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, groupsAsked(req)...)
		coordinators[f.CurrentNode()] = true
		return nil // answered by the next
	})
	f.holdGroups(1000, "orders")
	var sent requests
	r := f.reader(counting(&sent), func(c *Config) { c.Timeout, c.SlowEvery = time.Minute, 1e6*time.Hour })
	s := poll(t, r, nil)
	hot := []string{"group-00007", "group-00011", "group-00500", "nobody", "group-00007"}
	r.ReadGroups(t.Context(), s, hot) // connects

	mu.Lock()
	asked = nil
	clear(coordinators)
	mu.Unlock()
	var obs *lag.Observation
	got, _ := sent.during(func() { obs = r.ReadGroups(t.Context(), s, hot) })
	mu.Lock()
	defer mu.Unlock()
	want := map[kmsg.Key]int{kmsg.DescribeGroups: len(coordinators), kmsg.OffsetFetch: len(coordinators), kmsg.ListOffsets: 1}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	slices.Sort(asked)
	if want := []string{"group-00007", "group-00011", "group-00500"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
	if !obs.Partial || len(obs.Groups) != 3 || len(obs.Topics) != 1 || obs.Topics[0].Name != "orders" {
		t.Fatalf("%d groups, %d topics", len(obs.Groups), len(obs.Topics))
	}
	for _, p := range logs(&obs.Topics[0]) {
		if (p.Partition.Partition == 0) == p.End.ReadAt.IsZero() || p.End.Err != nil {
			t.Errorf("partition %d: %+v, want the end of the one with a commit only", p.Partition.Partition, p.End)
		}
	}
}
