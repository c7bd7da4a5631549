package lag_test

import (
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// partial makes it an observation of single groups.
func partial(o *lag.Observation) { o.Partial = true }

func TestPartialObservationLeavesAllElseAlone(t *testing.T) {
	s := compute(lag.Policy{}, healthy(0))
	next := lag.Compute(s, observe(3, partial, topic("refunds", log(0, 9)), group("other", commits("refunds", 4))), nil)
	total, err := ask(next, 3, "other")
	wantLag(t, total, err, 5, 3)
	total, err = ask(next, 3, "billing")
	wantLag(t, total, err, 35, 0)
	if next.Group("billing") != s.Group("billing") || next.Topic("orders") != s.Topic("orders") {
		t.Error("what was not read was made anew")
	}
	if !next.TakenAt.Equal(s.TakenAt) || !next.ListedAt.Equal(s.ListedAt) || len(next.Brokers) != len(s.Brokers) {
		t.Errorf("the collection of single groups counts as one of the cluster: %+v", next)
	}
	if got, err := ask(s, 3, "other"); err != nil || got.Lag != 2 {
		t.Errorf("the snapshot before has changed: %+v, %v", got, err)
	}
}

func TestPartialObservationAddsWhatIsNew(t *testing.T) {
	s := compute(lag.Policy{}, healthy(0), observe(3, partial, topic("new", log(0, 9)), group("a new one", commits("new", 4))))
	total, err := ask(s, 3, "a new one")
	wantLag(t, total, err, 5, 3)
}

// A large collection may end after a small one that began later.
func TestLaterReadingCounts(t *testing.T) {
	slow := observe(5, topic("orders", log(0, 100)), group("billing", commits("orders", 50)))
	quick := observe(7, partial, topic("orders", log(0, 200)), group("billing", commits("orders", 190)))
	for name, observations := range map[string][]*lag.Observation{"in order": {healthy(0), slow, quick}, "overtaken": {healthy(0), quick, slow}} {
		t.Run(name, func(t *testing.T) {
			total, err := ask(compute(lag.Policy{}, observations...), 7, "billing")
			wantLag(t, total, err, 10, 7)
		})
	}
}

func TestFailureOfAnEarlierCollectionDoesNotCount(t *testing.T) {
	quick := observe(7, partial, topic("orders", log(0, 200), log(0, 500)), topic("refunds", log(0, 5)),
		group("billing", commits("orders", 190, 500), commits("refunds", 5)))
	for name, late := range map[string]*lag.Observation{
		"group":    observe(5, topic("orders", log(0, 100), log(0, 500)), topic("refunds", log(0, 5)), group("billing", commitsFail(lag.ClassTimeout), membersFail(lag.ClassTimeout))),
		"metadata": observe(5, metadataFails(lag.ClassTimeout), listingFails(lag.ClassTimeout)),
		"end":      observe(5, topic("orders", log(0, 100), endFails(lag.ClassTimeout), log(0, 500)), topic("refunds", log(0, 5)), group("billing", commits("orders", 50, 500))),
		"list":     observe(5, topic("orders", log(0, 100), log(0, 500)), topic("refunds", log(0, 5)), listingFails(lag.ClassTimeout)),
	} {
		t.Run(name, func(t *testing.T) {
			s := compute(lag.Policy{}, healthy(0), quick, late)
			total, err := ask(s, 7, "billing")
			wantLag(t, total, err, 10, 7)
			if g := s.Group("billing"); g.Err != nil || g.Reason() != nil {
				t.Errorf("%v, although the group was read since", g.Reason())
			}
		})
	}
}

func TestAbsenceCountsWhenTheCoordinatorHasAnswered(t *testing.T) {
	// By Kafka's rule billing is in partition 1 of 2, and other in partition 0.
	leaders := []int32{10, 11}
	if lag.CoordinatorPartition("billing", 2) != 1 || lag.CoordinatorPartition("other", 2) != 0 {
		t.Fatal("the groups are elsewhere")
	}
	gone := func(second int, listed ...int32) *lag.Observation {
		return observe(second, topic("orders", log(0, 1000), log(0, 500)), topic("refunds", log(0, 5)), listingFails(lag.ClassTimeout),
			func(o *lag.Observation) { o.Coordinators, o.Listed = leaders, listed })
	}
	s := compute(lag.Policy{}, healthy(0), gone(5, 11), gone(10, 11))
	total, err := ask(s, 10, "billing")
	wantAbsent(t, total, err) // its coordinator said so twice, whatever the other does
	total, err = ask(s, 10, "other")
	wantLag(t, total, err, 2, 0)
	// A group that never was is absent, too, if its coordinator answered.
	if at := lag.CoordinatorPartition("misspelt", 2); at != 1 {
		t.Fatal("misspelt is elsewhere")
	}
	total, err = ask(s, 10, "misspelt")
	wantAbsent(t, total, err)
	s = compute(lag.Policy{}, gone(5, 10))
	total, err = ask(s, 5, "misspelt")
	wantUnknown(t, total, err, lag.ClassTimeout)
}

// A group beyond the limit that is asked for is read with the single groups. A collection that began before that may leave it out still.
func TestRow19GroupsBeyondTheLimitAreReadOnceAskedFor(t *testing.T) {
	leftOut := func(wanted bool) part {
		return func(o *lag.Observation) {
			o.Uncollected = []lag.UncollectedGroup{{Name: "billing", Wanted: wanted}, {Name: "more"}}
		}
	}
	orders := topic("orders", log(0, 100))
	before := observe(0, orders, leftOut(false))
	asked := observe(7, partial, orders, billing(90))
	for name, tc := range map[string]struct {
		after []*lag.Observation
		known bool
	}{
		"at once":                          {nil, true},
		"one that began before":            {[]*lag.Observation{observe(5, orders, leftOut(false))}, true},
		"the next has it":                  {[]*lag.Observation{observe(10, orders, group("billing", commits("orders", 90)))}, true},
		"there is no room for all of them": {[]*lag.Observation{observe(10, orders, leftOut(true))}, false},
		"and there was none":               {[]*lag.Observation{observe(5, orders, leftOut(true))}, false},
		"it is not wanted any more":        {[]*lag.Observation{observe(10, orders, leftOut(false))}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := compute(lag.Policy{}, append([]*lag.Observation{before, asked}, tc.after...)...)
			total, err := ask(s, 10, "billing")
			if tc.known {
				if err != nil || total.Lag != 10 {
					t.Errorf("%+v, %v", total, err)
				}
			} else {
				wantUnknown(t, total, err, lag.ClassOther)
			}
			if left := s.UncollectedGroup("billing"); (left == nil) != tc.known {
				t.Errorf("left out: %+v", left)
			}
			if got := s.Existing([]string{"billing", "more", "nobody"}); len(got) == 3 || got[0] != "billing" {
				t.Errorf("existing: %v", got)
			}
		})
	}
	if before.Uncollected[0].Name != "billing" || len(before.Uncollected) != 2 {
		t.Error("the observation was changed")
	}
}

func TestRow19GroupsBeyondTheLimitAreUnknown(t *testing.T) {
	limited := observe(5, topic("orders", log(0, 1000), log(0, 500)), topic("refunds", log(0, 5)), group("other", commits("refunds", 3)),
		func(o *lag.Observation) { o.Uncollected = []lag.UncollectedGroup{{Name: "billing"}, {Name: "more"}} })
	s := compute(lag.Policy{}, healthy(0), limited, limited)
	for _, name := range []string{"billing", "more"} {
		total, err := ask(s, 5, name)
		wantUnknown(t, total, err, lag.ClassOther)
	}
	total, err := ask(s, 5, "other")
	wantLag(t, total, err, 2, 5)
	got, err := lag.Sum([]*lag.Snapshot{s}, lag.Selection{What: "all"}, at(5), maxAge)
	wantUnknown(t, got, err, lag.ClassOther)
	// Asked for by name, it is read all the same.
	s = lag.Compute(s, observe(6, partial, topic("orders", log(0, 1000), log(0, 500)), topic("refunds", log(0, 5)), group("billing", commits("orders", 999, 499))), nil)
	total, err = ask(s, 6, "billing")
	wantLag(t, total, err, 2, 6)
}

func TestMembersNotAskedForStay(t *testing.T) {
	s := compute(earliest(), observe(0, topic("orders", log(0, 10), log(0, 5)), group("billing", commits("orders", 10), subscribes("orders"))),
		observe(5, topic("orders", log(0, 10), log(0, 5)), group("billing", commits("orders", 10), membersNotRead)))
	total, err := ask(s, 5, "billing")
	wantLag(t, total, err, 5, 5)
	if g := s.Group("billing"); g.MembersErr != nil || !g.MembersReadAt.Equal(at(0)) || len(g.Members) != 1 {
		t.Errorf("%+v", g)
	}
}

func TestCoordinatorPartitionIsKafkas(t *testing.T) {
	for group, want := range map[string]int{ // abs(name.hashCode()) % 50 as Java has it, with 0 for the least integer
		"billing": 9, "group-42": 20, "ünïcødé": 27, "日本語": 43, "😀 group": 6, "": 0, "a:b c": 34, "polygenelubricants": 0,
	} {
		if got := lag.CoordinatorPartition(group, 50); got != want {
			t.Errorf("%q: %d, want %d", group, got, want)
		}
	}
	// What Kafka 4.3.1 said in its log, of six partitions. The hashes of the first three and of the last are negative.
	for group, want := range map[string]int{
		"row10-classic": 0, "group-19-earliest": 0, "group-7-earliest": 5, "group-11": 4, "group-21": 5, "row10-connect": 4,
	} {
		if got := lag.CoordinatorPartition(group, 6); got != want {
			t.Errorf("%q: %d, want %d", group, got, want)
		}
	}
}
