package lag_test

import (
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// A group that subscribes by a pattern (KIP-848) shows what matches it only in what is assigned. Where partitions without a commit
// count, its lag is not known before that, and keeps what was assigned while the group moves it.
func TestPatternsAreKnownByWhatIsAssigned(t *testing.T) {
	billing := func(second int, parts ...groupPart) *lag.Observation {
		parts = append(parts, func(g *lag.GroupObservation) {
			g.Type, g.Members = lag.GroupConsumer, append(g.Members, lag.Member{Pattern: "or.*"})
		})
		return observe(second, topic("orders", log(0, 100), log(0, 50)), group("billing", parts...))
	}
	joined, moving, stable := billing(0), billing(5, state("Reconciling"), assigned("orders", 0)), billing(10, assigned("orders", 0, 1))
	for name, tc := range map[string]struct {
		policy lag.Policy
		polls  []*lag.Observation
		want   int64 // -1: not known
		second int
	}{
		"nothing is assigned yet":            {earliest(), []*lag.Observation{joined}, -1, 0},
		"part of it is, for the first time":  {earliest(), []*lag.Observation{moving}, -1, 5},
		"all of it":                          {earliest(), []*lag.Observation{joined, moving, stable}, 150, 10},
		"part of it again":                   {earliest(), []*lag.Observation{stable, billing(15, state("Assigning"), assigned("orders", 1))}, 150, 15},
		"for the time being, nothing":        {earliest(), []*lag.Observation{stable, billing(15)}, 150, 10},
		"after a while":                      {earliest(), []*lag.Observation{stable, billing(15, assigned("orders", 1))}, 50, 15},
		"what is not committed counts not":   {lag.Policy{}, []*lag.Observation{billing(0, commits("orders", 90))}, 10, 0},
		"nobody is left":                     {earliest(), []*lag.Observation{observe(0, topic("orders", log(0, 100)), group("billing", commits("orders", 90)))}, 10, 0},
		"another member tells its topics":    {earliest(), []*lag.Observation{billing(0, subscribes("orders"), assigned("orders", 0))}, 150, 0},
		"a pattern and a commit, unassigned": {earliest(), []*lag.Observation{billing(0, commits("orders", 90))}, -1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			total, err := ask(compute(tc.policy, tc.polls...), tc.second, "billing")
			if tc.want < 0 {
				wantUnknown(t, total, err, lag.ClassCoordinator)
				return
			}
			wantLag(t, total, err, tc.want, tc.second)
		})
	}
}
