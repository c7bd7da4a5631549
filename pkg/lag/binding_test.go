package lag_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// groupsOn asks for the groups of the pods of these names.
func groupsOn(second int, d directory, names []string, snapshots ...*lag.Snapshot) (lag.Selection, bool, error) {
	index := &lag.MemberIndex{}
	index.Update(snapshots)
	return lag.GroupsOn(snapshots, lag.Selection{What: "the pods"}, named(names...), d, index, at(second), maxAge)
}

func TestGroupsOfPods(t *testing.T) {
	d := pods("web-0", "10.0.0.1", "web-1", "fd00::1", "web-10", "", "web-0-x", "", "host-a", "10.0.0.5", "host-b", "10.0.0.5", "bare", "")
	s := compute(lag.Policy{}, observe(0, topic("orders", log(0, 9)),
		group("by-ip", member("/10.0.0.1", "", "x")),
		group("by-ip6", member("/fd00:0::1", "", "")),
		group("by-mapped", member("/::ffff:10.0.0.1", "", "")),
		group("by-client", member("/127.0.0.1", "", "my web-1!")),
		group("by-instance", member("/127.0.0.1", "web-1", "x")),
		group("longer", member("/127.0.0.1", "", "web-10")),
		group("longer-still", member("/127.0.0.1", "", "web-0-x")),
		group("named-but-elsewhere", member("/10.0.0.5", "", ""), member("/10.0.0.1", "", "bare")),
		group("shared", member("/10.0.0.5", "", "")),
		group("wordy", wordy, member("", "", "x.web-10.7")),
		group("none"), group("commits-only", commits("orders", 3))))
	for _, tc := range []struct{ pods, want []string }{
		{[]string{"web-0"}, []string{"by-ip", "by-mapped", "named-but-elsewhere"}},
		{[]string{"web-1"}, []string{"by-client", "by-instance", "by-ip6"}},
		{[]string{"web-0", "web-1"}, []string{"by-client", "by-instance", "by-ip", "by-ip6", "by-mapped", "named-but-elsewhere"}},
		{[]string{"web-10"}, []string{"longer", "wordy"}},
		{[]string{"web-10", "web-0-x", "bare"}, []string{"longer", "longer-still", "wordy"}},
		{[]string{"host-a"}, nil},
		{[]string{"host-a", "host-b"}, []string{"named-but-elsewhere", "shared"}},
		{[]string{"bare"}, nil},
		{nil, nil},
	} {
		sel, ok, err := groupsOn(0, d, tc.pods, s)
		if err != nil || ok != (len(tc.want) > 0) || !slices.Equal(sel.Groups, tc.want) {
			t.Errorf("%q: %q, %t, %v, want %q", tc.pods, sel.Groups, ok, err, tc.want)
		}
	}
}

// wordy adds members with client ids of their own, as those of Kafka Streams have.
func wordy(g *lag.GroupObservation) {
	for i := range 100 {
		member("", "", fmt.Sprintf("app-%dx-StreamThread-1-consumer", i))(g)
	}
}

func TestGroupsOfOneNameOnTwoClusters(t *testing.T) {
	d := pods("a", "10.0.0.1")
	here := compute(lag.Policy{}, observe(0, topic("orders", log(0, 9)), group("g", commits("orders", 3), member("/10.0.0.1", "", ""))))
	there := compute(lag.Policy{}, observe(0, topic("orders", log(0, 9)), group("g", commits("orders", 0), member("/10.0.0.2", "", ""))))
	there.Cluster = "other"
	both := []*lag.Snapshot{here, there}
	sel, ok, err := groupsOn(0, d, []string{"a"}, both...)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	total, err := lag.Sum(both, sel, at(0), maxAge)
	wantLag(t, total, err, 6, 0)
	if got := sel.Existing(both); !slices.Equal(got, []string{"g"}) {
		t.Errorf("asks for %q", got)
	}
	index := &lag.MemberIndex{}
	index.Update(both)
	sel, ok, err = lag.GroupsOn(both, lag.Selection{Cluster: func(c string) bool { return c == "other" }}, named("a"), d, index, at(0), maxAge)
	if err != nil || ok {
		t.Errorf("on the other cluster: %+v, %v", sel, err)
	}
}

func TestExistingGroupsOfATopic(t *testing.T) {
	s := compute(lag.Policy{}, observe(0, topic("orders", log(0, 9)), topic("refunds", log(0, 9)), group("a", commits("orders", 3)),
		group("b", commits("refunds", 3)), group("unread", commitsFail(lag.ClassTimeout)), group("idle")))
	for want, sel := range map[string]lag.Selection{
		"[a unread]":        {Topic: func(name string) bool { return name == "orders" }},
		"[b]":               {Topic: func(name string) bool { return name == "orders" }, Groups: []string{"b"}},
		"[a b idle unread]": {},
	} {
		if got := fmt.Sprint(sel.Existing([]*lag.Snapshot{s})); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestWhetherMembersAreKnown(t *testing.T) {
	d := pods("a", "10.0.0.1", "b", "10.0.0.2")
	orders, mine, others := topic("orders", log(0, 9)), group("mine", member("/10.0.0.1", "", "")), group("others", member("/10.0.0.9", "", ""))
	for _, tc := range []struct {
		name         string
		pod          string
		second       int
		observations []*lag.Observation
		found        bool
		unknown      lag.Class // of the error
	}{
		{"confirmed absent", "b", 60, []*lag.Observation{observe(0, orders, mine, others)}, false, ""},
		{"the list is too old to be sure", "b", 61, []*lag.Observation{observe(0, orders, mine, others)}, false, lag.ClassOther},
		{"the list is old, and the group is known", "a", 61, []*lag.Observation{observe(0, orders, mine, others)}, true, ""},
		{"never listed", "a", 0, []*lag.Observation{observe(0, orders, mine, listingFails(lag.ClassTimeout))}, false, lag.ClassTimeout},
		{"members of another group never read", "a", 0, []*lag.Observation{observe(0, orders, mine, group("others", membersFail(lag.ClassTimeout)))}, false, lag.ClassTimeout},
		{"all of another group never read", "a", 0, []*lag.Observation{observe(0, orders, mine, group("others", membersNotRead, commitsFail(lag.ClassCoordinator)))}, false, lag.ClassCoordinator},
		{"members of another group not allowed", "a", 0, []*lag.Observation{observe(0, orders, mine, group("others", membersFail(lag.ClassAuthorization)))}, true, ""},
		{"the only group that may be is not allowed", "b", 0, []*lag.Observation{observe(0, orders, mine, group("others", membersFail(lag.ClassAuthorization)))}, false, lag.ClassAuthorization},
		{"members of another group too old a broker", "b", 0, []*lag.Observation{observe(0, orders, mine, group("others", membersFail(lag.ClassUnsupported)))}, false, lag.ClassUnsupported},
		{"members that were read before", "a", 200, []*lag.Observation{observe(0, orders, mine, others), observe(200, orders, group("mine", membersFail(lag.ClassTimeout)), others)}, true, ""},
		{"members of another group that were read before", "b", 200, []*lag.Observation{observe(0, orders, mine, others), observe(200, orders, group("mine", membersFail(lag.ClassTimeout)), others)}, false, ""},
		{"left out", "b", 0, []*lag.Observation{observe(0, orders, mine, func(o *lag.Observation) { o.Uncollected = []lag.UncollectedGroup{{Name: "x"}} })}, false, lag.ClassOther},
		{"another left out", "a", 0, []*lag.Observation{observe(0, orders, mine, func(o *lag.Observation) { o.Uncollected = []lag.UncollectedGroup{{Name: "x"}} })}, true, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sel, ok, err := groupsOn(tc.second, d, []string{tc.pod}, compute(lag.Policy{}, tc.observations...))
			var unknown *lag.UnknownError
			if ok != tc.found || (err != nil) != (tc.unknown != "") || err != nil && (!errors.As(err, &unknown) || lag.ClassOf(err) != tc.unknown) {
				t.Errorf("got %q, %t, %v", sel.Groups, ok, err)
			}
		})
	}
	if _, ok, err := groupsOn(0, d, []string{"a"}); ok || err == nil {
		t.Errorf("nothing collected: %t, %v", ok, err)
	}
}

// An index that followed all snapshots finds what a new one does, and what a search through all members does.
func TestIndexFollowsTheSnapshots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		index := &lag.MemberIndex{}
		var s *lag.Snapshot
		for range rapid.IntRange(1, 5).Draw(t, "snapshots") {
			w := drawWorld(t)
			next := w.snapshots[0]
			if s != nil { // some groups stay as they were, with the members that they had
				for i, g := range next.Groups {
					if old := s.Group(g.Name); old != nil && rapid.Bool().Draw(t, "unchanged") {
						next.Groups[i] = old
					}
				}
				if rapid.IntRange(1, 4).Draw(t, "a group is gone") == 4 {
					next.Groups = next.Groups[1:]
				}
			}
			s = next
			w.snapshots = []*lag.Snapshot{s}
			index.Update(w.snapshots)
			fresh := &lag.MemberIndex{}
			fresh.Update(w.snapshots)
			followed, _, err := lag.GroupsOn(w.snapshots, lag.Selection{}, w.asked, w.d, index, at(0), maxAge)
			anew, _, errAnew := lag.GroupsOn(w.snapshots, lag.Selection{}, w.asked, w.d, fresh, at(0), maxAge)
			if !slices.Equal(followed.Groups, anew.Groups) || (err == nil) != (errAnew == nil) {
				t.Fatalf("%q, %v, but a new index finds %q, %v", followed.Groups, err, anew.Groups, errAnew)
			}
			if err == nil {
				checkBound(t, w, followed.Groups)
			}
		}
	})
}

func checkBound(t *rapid.T, w world, found []string) {
	for _, g := range w.snapshots[0].Groups {
		alone := slices.ContainsFunc(g.Members, func(m lag.Member) bool { return w.runsOn(m) >= 0 })
		if alone && !slices.Contains(found, g.Name) {
			t.Fatalf("%s has a member on the pods but only %q were found", g.Name, found)
		}
	}
}
