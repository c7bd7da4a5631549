package kafka

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func TestHotLaneReadsWhatTheFullLaneReads(t *testing.T) {
	f := newFake(t)
	f.produce("orders", 10, 0, 1, 2, 3)
	f.commit("billing", "orders", 4, 10, 0)
	r := f.reader()
	s := poll(t, r, nil)
	f.produce("orders", 5, 0)
	s = lag.Compute(s, r.ReadGroups(t.Context(), s, []string{"billing"}), nil)
	got, err := lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{"billing"}, What: "billing"}, time.Now(), time.Minute)
	if err != nil || got.Lag != 11+0+10 {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestRow3HotLaneFollowsTheCoordinator(t *testing.T) {
	f := newFake(t)
	f.commit("billing", "orders", 0)
	r := f.reader()
	s := poll(t, r, nil)
	f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch, kmsg.DescribeGroups}, Group: "billing", Err: kerr.NotCoordinator, Count: 2})
	obs := r.ReadGroups(t.Context(), s, []string{"billing"})
	if g := group(t, obs, "billing"); lag.ClassOf(g.CommitsErr) != lag.ClassCoordinator {
		t.Fatalf("%v", g.CommitsErr)
	}
	s = lag.Compute(s, obs, nil)
	finds := f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.FindCoordinator}, Observe: true, Count: -1})
	obs = r.ReadGroups(t.Context(), s, []string{"billing"})
	if g := group(t, obs, "billing"); g.CommitsErr != nil || g.Coordinator != f.CoordinatorFor("billing") {
		t.Fatalf("%+v", g)
	}
	if n := finds.Hits(); n != 1 {
		t.Errorf("asked %d times for the coordinator, want once", n)
	}
}

func TestRow6HotLaneLeavesOutWhatDoesNotExist(t *testing.T) {
	f := newFake(t)
	f.commit("billing", "orders", 0)
	f.commit("gone", "orders", 0)
	r := f.reader()
	s := poll(t, r, nil)
	f.answer(kmsg.DescribeGroups, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.DescribeGroupsResponse)
		for _, name := range req.(*kmsg.DescribeGroupsRequest).Groups {
			g := kmsg.NewDescribeGroupsResponseGroup()
			if g.Group, g.State = name, "Empty"; name == "gone" {
				g.State = "Dead"
			}
			resp.Groups = append(resp.Groups, g)
		}
		return resp
	})
	obs := r.ReadGroups(t.Context(), s, []string{"billing", "gone", "never heard of"})
	if len(obs.Groups) != 1 || obs.Groups[0].Name != "billing" {
		t.Fatalf("%+v", obs.Groups)
	}
}

func TestRow2HotLaneFollowsTheLeader(t *testing.T) {
	f := newFake(t)
	f.produce("orders", 3, 0)
	f.commit("billing", "orders", 1)
	r := f.reader()
	s := poll(t, r, nil)
	leader := f.LeaderFor("orders", 0)
	if err := f.MoveTopicPartition("orders", 0, (leader+1)%3); err != nil {
		t.Fatal(err)
	}
	p := logs(topic(t, r.ReadGroups(t.Context(), s, []string{"billing"}), "orders"))[0]
	if p.End.Err != nil || p.End.Value != 3 || p.Leader != (leader+1)%3 {
		t.Fatalf("%+v, want to be led by %d", p, (leader+1)%3)
	}
}

func TestHotLaneWithoutASnapshotReadsNothing(t *testing.T) {
	f := newFake(t)
	var sent requests
	r := f.reader(counting(&sent))
	got, _ := sent.during(func() { r.ReadGroups(t.Context(), nil, []string{"billing"}) })
	if len(got) != 0 {
		t.Errorf("%v", got)
	}
}
