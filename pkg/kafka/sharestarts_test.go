package kafka

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// shareOffsets makes the fake hold share groups that have acquired nothing yet of partition 0 of orders.
func (f *fake) shareOffsets() {
	f.answer(kmsg.DescribeShareGroupOffsets, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.DescribeShareGroupOffsetsResponse)
		for _, g := range req.(*kmsg.DescribeShareGroupOffsetsRequest).Groups {
			resp.Groups = append(resp.Groups, kmsg.DescribeShareGroupOffsetsResponseGroup{
				GroupID: g.GroupID,
				Topics: []kmsg.DescribeShareGroupOffsetsResponseGroupTopic{{
					Topic: "orders", Partitions: []kmsg.DescribeShareGroupOffsetsResponseGroupTopicPartition{{StartOffset: -1, LeaderEpoch: -1, Lag: -1}},
				}},
			})
		}
		return resp
	})
	f.answer(kmsg.ShareGroupDescribe, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.ShareGroupDescribeResponse)
		for _, name := range req.(*kmsg.ShareGroupDescribeRequest).GroupIDs {
			g := kmsg.NewShareGroupDescribeResponseGroup()
			g.GroupID, g.GroupState = name, "Stable"
			resp.Groups = append(resp.Groups, g)
		}
		return resp
	})
}

// All share groups are asked about at once and slowly, whichever brokers coordinate them, and the log start is read in the same
// collection if it counts.
func TestRow10WhereShareGroupsStart(t *testing.T) {
	f := newFake(t)
	f.produce("orders", 7, 0)
	f.listOnly("Share", "early", "late", "recent")
	f.shareOffsets()
	f.SetGroupConfigs("early", map[string]string{"share.auto.offset.reset": "earliest"})
	f.SetGroupConfigs("late", map[string]string{"share.auto.offset.reset": "latest"})
	f.SetGroupConfigs("recent", map[string]string{"share.auto.offset.reset": "by_duration:PT1H"})
	var sent requests
	r := f.reader(counting(&sent), func(c *Config) { c.SlowEvery = 1e6 * time.Hour })
	earliest := func(string) lag.Policy { return lag.Policy{OffsetReset: lag.ResetEarliest} } // the brokers know better
	var s *lag.Snapshot
	for i, want := range []struct {
		requests int
		early    int64
	}{{1, 7}, {0, 4}} {
		byKey, _ := sent.during(func() { s = lag.Compute(s, r.Read(t.Context(), s), earliest) })
		if byKey[kmsg.DescribeConfigs] != want.requests {
			t.Errorf("poll %d: asked %d times, want %d", i, byKey[kmsg.DescribeConfigs], want.requests)
		}
		for name, want := range map[string]int64{"early": want.early, "late": 0, "recent": 0} {
			if value, err := lagOf(s, name); err != nil || value != want {
				t.Errorf("poll %d: %s: %d, %v, want %d", i, name, value, err, want)
			}
		}
		if err := f.DeleteRecords("orders", 0, 3); err != nil {
			t.Fatal(err)
		}
	}
	always := f.reader(counting(&sent))
	if byKey, _ := sent.during(func() { always.ReadGroups(t.Context(), s, []string{"early"}) }); byKey[kmsg.DescribeConfigs] != 0 {
		t.Error("asked for with a single group")
	}
}

func TestRow11ShareGroupsThatDoNotTellWhereTheyStart(t *testing.T) {
	answer := func(change func(*kmsg.DescribeConfigsResponseResource)) func(kmsg.Request) kmsg.Response {
		return func(req kmsg.Request) kmsg.Response {
			resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
			for _, asked := range req.(*kmsg.DescribeConfigsRequest).Resources {
				one := kmsg.NewDescribeConfigsResponseResource()
				one.ResourceType, one.ResourceName = asked.ResourceType, asked.ResourceName
				one.Configs = []kmsg.DescribeConfigsResponseResourceConfig{{Name: "share.auto.offset.reset", Value: kmsg.StringPtr("latest")}}
				change(&one)
				resp.Resources = append(resp.Resources, one)
			}
			return resp
		}
	}
	for name, tc := range map[string]struct {
		change func(*kmsg.DescribeConfigsResponseResource)
		class  lag.Class
	}{
		"forbidden": {func(r *kmsg.DescribeConfigsResponseResource) { r.ErrorCode = kerr.GroupAuthorizationFailed.Code }, lag.ClassAuthorization},
		"too old":   {func(r *kmsg.DescribeConfigsResponseResource) { r.Configs = nil }, lag.ClassUnsupported},
		"too new":   {func(r *kmsg.DescribeConfigsResponseResource) { r.Configs[0].Value = kmsg.StringPtr("whenever") }, lag.ClassUnsupported},
		"no value":  {func(r *kmsg.DescribeConfigsResponseResource) { r.Configs[0].Value = nil }, lag.ClassUnsupported},
		"not of it": {func(r *kmsg.DescribeConfigsResponseResource) { r.ResourceName = "another" }, lag.ClassProtocol},
		"a topic's": {func(r *kmsg.DescribeConfigsResponseResource) { r.ResourceType = kmsg.ConfigResourceTypeTopic }, lag.ClassProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.produce("orders", 7, 0)
			f.listOnly("Share", "workers")
			f.shareOffsets()
			f.answer(kmsg.DescribeConfigs, answer(tc.change))
			s := poll(t, f.reader(func(c *Config) {
				c.Policy = func(string) lag.Policy { return lag.Policy{OffsetReset: lag.ResetEarliest} }
			}), nil)
			g := s.Group("workers")
			if lag.ClassOf(g.Start.Err) != tc.class || !g.Start.ReadAt.IsZero() || g.Reason() != nil {
				t.Errorf("%+v, %v", g.Start, g.Reason())
			}
			if value, err := lagOf(s, "workers"); err != nil || value != 7 {
				t.Errorf("%d, %v by the operator's word", value, err)
			}
		})
	}
}

// Nobody is asked where groups of other kinds start.
func TestOnlyShareGroupsAreAskedWhereTheyStart(t *testing.T) {
	f := newFake(t)
	f.commit("billing", "orders", 0)
	var sent requests
	r := f.reader(counting(&sent))
	byKey, _ := sent.during(func() { poll(t, r, nil) })
	if keys := []kmsg.Key{kmsg.DescribeConfigs, kmsg.DescribeShareGroupOffsets}; slices.ContainsFunc(keys, func(k kmsg.Key) bool { return byKey[k] > 0 }) {
		t.Errorf("sent %v", byKey)
	}
}
