package lag_test

import (
	"errors"
	"flag"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// TestMain makes the property tests try more than rapid's 100 cases each, unless the command line says how many.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "500"); err != nil {
		panic(err)
	}
	m.Run()
}

// Whatever is read, in whatever order readings fail, an answer is what the model says: the same number of the same moment,
// or unknown, or absent. So a sum is known if and only if all its parts are.
func TestAnswersAreTheModels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy, now := policy(t), 0
		m := newModel(policy)
		var s *lag.Snapshot
		for _, o := range history(t) {
			s, now = lag.Compute(s, o, everyone(policy)), max(now, int(o.StartedAt.Sub(at(0)).Seconds()))
			m.observe(o)
			t.Log(describe(o))
		}
		now += rapid.SampledFrom([]int{0, 1, 40, 50, 60, 61}).Draw(t, "age")
		for _, name := range groupNames() {
			for _, q := range []query{anyQuery(t, name), anyQuery(t, name)} {
				total, err := q.ask(s, now)
				compare(t, q, m.answer(q, now), total, err)
			}
		}
	})
}

func compare(t *rapid.T, q query, want answer, total lag.Total, err error) {
	t.Helper()
	var unknown *lag.UnknownError
	var absent *lag.AbsentError
	switch {
	case err == nil:
		ok := slices.ContainsFunc(want.allowed, func(r reading) bool {
			is, _ := r.sum(q)
			return total.ReadAt.Equal(is.ReadAt) && total.Lag == is.Lag && total.MaxLag == is.MaxLag && total.Partitions == is.Partitions
		})
		if !ok {
			t.Fatalf("%s: %+v is none of %+v", q, total, want)
		}
	case errors.As(err, &absent):
		if !want.absent {
			t.Fatalf("%s: %v, want %+v", q, err, want)
		}
	case errors.As(err, &unknown):
		// What is absent may be unknown all the same: members that could not be read may be assigned to it.
		if !want.unknown && !want.absent && !tooMuch(q, want) {
			t.Fatalf("%s: %v, want %+v", q, err, want)
		}
	default:
		t.Fatalf("%s: %v is neither absent nor unknown", q, err)
	}
}

// tooMuch says whether a sum is not believed.
func tooMuch(q query, a answer) bool {
	return slices.ContainsFunc(a.allowed, func(r reading) bool { is, _ := r.sum(q); return is.Lag > 1<<53 })
}

// Every snapshot that Compute makes keeps the promises of its types, and looking at it one partition at a time gives its sums.
func TestSnapshotsKeepTheirPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := policy(t)
		var s *lag.Snapshot
		now := 0
		for i, o := range history(t) {
			next := lag.Compute(s, o, everyone(policy))
			now = max(now, int(o.StartedAt.Sub(at(0)).Seconds()))
			checkSnapshot(t, next, now)
			for _, g := range next.Groups {
				if s == nil || s.Group(g.Name) == nil {
					continue
				}
				if old := s.Group(g.Name); g.ReadAt.Before(old.ReadAt) || g.CompleteAt().Before(old.CompleteAt()) || g.MembersReadAt.Before(old.MembersReadAt) {
					t.Fatalf("collection %d: group %s is of an older time than it was", i, g.Name)
				}
			}
			s = next
		}
	})
}

// Neither argument of Compute ever changes, and no later call changes what an earlier one returned.
func TestComputeChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy, observations := policy(t), history(t)
		var values []any
		var before []string
		keep := func(v any) { values, before = append(values, v), append(before, dump(v)) }
		var s *lag.Snapshot
		for _, o := range observations {
			keep(o)
			s = lag.Compute(s, o, everyone(policy))
			keep(s)
		}
		for i, v := range values {
			if dump(v) != before[i] {
				t.Fatalf("%T of collection %d was changed", v, i/2)
			}
		}
		if dump(compute(policy, observations...)) != dump(s) {
			t.Fatal("the same observations gave another result")
		}
	})
}

// With more records in the logs no lag is less, and none that was known before is unknown.
func TestLagGrowsWithTheEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy, observations := policy(t), history(t)
		last := observations[len(observations)-1]
		s := compute(policy, observations[:len(observations)-1]...)
		if slices.ContainsFunc(observations, func(o *lag.Observation) bool { return o.StartedAt.After(last.StartedAt) }) {
			return // of ends that have been read since, later ones count
		}
		more := *last
		more.Topics = slices.Clone(last.Topics)
		added := rapid.Int64Range(1, 1000).Draw(t, "added")
		for i := range more.Topics {
			logs := logsOf(&more.Topics[i])
			for j := range logs {
				for _, end := range []*lag.Offset{&logs[j].End, &logs[j].LastStable} {
					if end.Err == nil && !end.ReadAt.IsZero() {
						end.Value += added
					}
				}
			}
			setLogs(&more.Topics[i], logs)
		}
		less, grown := lag.Compute(s, last, everyone(policy)), lag.Compute(s, &more, everyone(policy))
		for _, g := range less.Groups {
			for i, topic := range g.Topics {
				for j, row := range topic.Partitions {
					after := &grown.Group(g.Name).Topics[i]
					now := after.Partitions[j]
					if topic.RowErr(&row) != nil || row.Lag+added > 1<<53 || g.Type == lag.GroupShare {
						continue
					}
					if after.RowErr(&now) != nil || now.Lag != row.Lag && now.Lag != row.Lag+added {
						t.Fatalf("%s %s: %+v became %+v with %d more records", g.Name, topic.Topic, row, now, added)
					}
					if row.Committed != lag.NoOffset && g.ReadAt.Equal(last.StartedAt) && now.Lag != row.Lag+added {
						t.Fatalf("%s %s: %+v became %+v with %d more records", g.Name, topic.Topic, row, now, added)
					}
				}
			}
		}
	})
}

func TestSharesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkShares(t, rapid.Int64Min(0).Draw(t, "total"), rapid.IntRange(1, 2000).Draw(t, "n"))
	})
}
