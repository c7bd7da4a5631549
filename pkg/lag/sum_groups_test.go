package lag_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func TestGroupsAddUp(t *testing.T) {
	s := compute(lag.Policy{}, observe(0, topic("a", log(0, 100)), topic("b", log(0, 100)),
		group("g1", commits("a", 90), commits("b", 95), assigned("a", 0)), group("g2", commits("a", 80), assigned("a"), assigned("a")), group("g3", commits("b", 100))))
	for name, c := range map[string]struct {
		sel  lag.Selection
		want []lag.GroupTotal
	}{
		"all": {lag.Selection{}, []lag.GroupTotal{
			{Group: "g1", Total: lag.Total{Lag: 15, MaxLag: 10, Partitions: 2, Members: 1}},
			{Group: "g2", Total: lag.Total{Lag: 20, MaxLag: 20, Partitions: 1, Members: 2}},
			{Group: "g3", Total: lag.Total{Partitions: 1}},
		}},
		"one topic": {lag.Selection{Topic: func(n string) bool { return n == "b" }}, []lag.GroupTotal{
			{Group: "g1", Total: lag.Total{Lag: 5, MaxLag: 5, Partitions: 1}},
			{Group: "g3", Total: lag.Total{Partitions: 1}},
		}},
		"by name": {lag.Selection{Groups: []string{"g3", "none"}}, []lag.GroupTotal{{Group: "g3", Total: lag.Total{Partitions: 1}}}},
	} {
		parts, err := lag.SumGroups([]*lag.Snapshot{s}, c.sel, at(1), time.Minute)
		for i := range parts {
			if parts[i].Cluster != "test" || !parts[i].ReadAt.Equal(at(0)) {
				t.Errorf("%s: %s of %s was read at %s", name, parts[i].Group, parts[i].Cluster, parts[i].ReadAt)
			}
			parts[i].Cluster, parts[i].ReadAt = "", time.Time{}
		}
		if err != nil || !slices.Equal(parts, c.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, parts, err, c.want)
		}
	}
}

func TestGroupsTogetherDoNotWrap(t *testing.T) {
	const much = 1 << 52
	s := compute(lag.Policy{}, observe(0, topic("a", log(0, much)), group("g1", commits("a", 0)), group("g2", commits("a", 0)), group("g3", commits("a", 0))))
	if parts, err := lag.SumGroups([]*lag.Snapshot{s}, lag.Selection{Groups: []string{"g1", "g2"}}, at(1), time.Minute); err != nil || len(parts) != 2 {
		t.Errorf("%v, %v", parts, err)
	}
	parts, err := lag.SumGroups([]*lag.Snapshot{s}, lag.Selection{}, at(1), time.Minute)
	if _, unknown := errors.AsType[*lag.UnknownError](err); !unknown {
		t.Errorf("%v, %v: want an UnknownError", parts, err)
	}
}

// Whatever is known of the groups, their parts add up to the sum, or both say the same of why there is none.
func TestGroupsAreWhatTheSumIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy, now := policy(t), 0
		var s *lag.Snapshot
		for _, o := range history(t) {
			s, now = lag.Compute(s, o, everyone(policy)), max(now, int(o.StartedAt.Sub(at(0)).Seconds()))
		}
		now += rapid.SampledFrom([]int{0, 1, 40, 60, 61}).Draw(t, "age")
		sel := lag.Selection{What: "some"}
		if names := rapid.SliceOfDistinct(rapid.SampledFrom(groupNames()), rapid.ID[string]).Draw(t, "groups"); len(names) > 0 {
			sel.Groups = names
		}
		if topics := rapid.SliceOf(rapid.SampledFrom(topicNames())).Draw(t, "topics"); len(topics) > 0 {
			sel.Topic = func(name string) bool { return slices.Contains(topics, name) }
		}
		if rapid.Bool().Draw(t, "only partition 0") {
			sel.Partition = func(number int32) bool { return number == 0 }
		}
		snapshots := []*lag.Snapshot{s}
		total, sumErr := lag.Sum(snapshots, sel, at(now), time.Minute)
		parts, err := lag.SumGroups(snapshots, sel, at(now), time.Minute)
		if (sumErr == nil) != (err == nil) || err != nil && err.Error() != sumErr.Error() {
			t.Fatalf("the groups: %v; the sum: %v", err, sumErr)
		}
		if err != nil {
			return
		}
		var sum lag.Total
		for _, part := range parts {
			sum.Lag, sum.Partitions, sum.Members = sum.Lag+part.Lag, sum.Partitions+part.Partitions, sum.Members+part.Members
			sum.MaxLag = max(sum.MaxLag, part.MaxLag)
			if part.MembersErr != nil {
				sum.MembersErr = part.MembersErr
			}
			if part.Partitions > 0 && (sum.ReadAt.IsZero() || part.ReadAt.Before(sum.ReadAt)) {
				sum.ReadAt = part.ReadAt
			}
		}
		if (sum.MembersErr == nil) != (total.MembersErr == nil) {
			t.Fatalf("the groups: %v; the sum: %v", sum.MembersErr, total.MembersErr)
		}
		sum.MembersErr, total.MembersErr = nil, nil
		if sum != total {
			t.Fatalf("the groups add up to %+v, the sum is %+v", sum, total)
		}
	})
}
