package lag_test

import (
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// What the brokers say of where a share group starts counts more than what the operator says, and lasts.
func TestRow10WhereShareGroupsStart(t *testing.T) {
	starts := func(reset lag.OffsetReset) groupPart {
		return func(g *lag.GroupObservation) { g.Start = lag.ShareStart{Reset: reset, ReadAt: g.CommitsReadAt} }
	}
	fails := func(g *lag.GroupObservation) { g.Start.Err = failed(lag.ClassAuthorization) }
	poll := func(second int, kind lag.GroupType, parts ...groupPart) *lag.Observation {
		none := commitsOf("orders", commitRow{Offset: lag.NoOffset, LeaderEpoch: -1, BrokerLag: lag.NoOffset})
		parts = append(parts, none, subscribes("orders"), func(g *lag.GroupObservation) { g.Type = kind })
		return observe(second, topic("orders", log(10, 100)), group("workers", parts...))
	}
	for name, tc := range map[string]struct {
		policy lag.Policy
		polls  []*lag.Observation
		want   int64
	}{
		"earliest, by the brokers":        {lag.Policy{}, []*lag.Observation{poll(0, lag.GroupShare, starts(lag.ResetEarliest))}, 90},
		"latest, by the brokers":          {earliest(), []*lag.Observation{poll(0, lag.GroupShare, starts(lag.ResetLatest))}, 0},
		"not told, earliest by the flags": {earliest(), []*lag.Observation{poll(0, lag.GroupShare, fails)}, 90},
		"not told":                        {lag.Policy{}, []*lag.Observation{poll(0, lag.GroupShare, fails)}, 0},
		"told before":                     {lag.Policy{}, []*lag.Observation{poll(0, lag.GroupShare, starts(lag.ResetEarliest)), poll(5, lag.GroupShare)}, 90},
		"told before, not any more":       {lag.Policy{}, []*lag.Observation{poll(0, lag.GroupShare, starts(lag.ResetEarliest)), poll(5, lag.GroupShare, fails)}, 90},
		"changed":                         {lag.Policy{}, []*lag.Observation{poll(0, lag.GroupShare, starts(lag.ResetLatest)), poll(5, lag.GroupShare, starts(lag.ResetEarliest))}, 90},
		"no share group":                  {earliest(), []*lag.Observation{poll(0, lag.GroupClassic, starts(lag.ResetLatest))}, 90},
	} {
		t.Run(name, func(t *testing.T) {
			second := 5 * (len(tc.polls) - 1)
			total, err := ask(compute(tc.policy, tc.polls...), second, "workers")
			wantLag(t, total, err, tc.want, second)
		})
	}
}
