package lag_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// onCluster gives an observation to another cluster.
func onCluster(name string, o *lag.Observation) *lag.Observation {
	o.Cluster = name
	return o
}

var errNever = errors.New("no broker answers")

// A cluster that fails takes no group of another with it, once it was known which groups it has.
func TestSumGoesOnWithoutAClusterThatFails(t *testing.T) {
	a := compute(lag.Policy{}, onCluster("a", observe(100, topic("orders", log(0, 10)), group("billing", commits("orders", 3)))))
	b := compute(lag.Policy{}, onCluster("b", observe(0, topic("refunds", log(0, 10)), group("other", commits("refunds", 5)))),
		onCluster("b", observe(100, metadataFails(lag.ClassConnection), listingFails(lag.ClassConnection))))
	never := func(awaited time.Time) *lag.Snapshot {
		return &lag.Snapshot{Cluster: "c", ListingErr: errNever, Awaited: awaited}
	}
	sum := func(snapshots []*lag.Snapshot, sel lag.Selection) (lag.Total, error) {
		parts, err := lag.SumGroups(snapshots, sel, at(100), maxAge)
		total, sumErr := lag.Sum(snapshots, sel, at(100), maxAge)
		if (err == nil) != (sumErr == nil) || err != nil && err.Error() != sumErr.Error() || err == nil && len(parts) != 1 {
			t.Errorf("Sum says %+v, %v; SumGroups says %+v, %v", total, sumErr, parts, err)
		}
		return total, sumErr
	}
	named := func(group string) lag.Selection {
		return lag.Selection{Groups: []string{group}, What: "consumergroup=" + group}
	}
	only := func(cluster string, sel lag.Selection) lag.Selection {
		sel.Cluster = func(name string) bool { return name == cluster }
		return sel
	}
	total, err := sum([]*lag.Snapshot{a, b}, named("billing"))
	wantLag(t, total, err, 7, 100)
	total, err = sum([]*lag.Snapshot{a, b}, named("misspelt")) // b may have it by now
	if unknown := wantUnknown(t, total, err, lag.ClassConnection); !strings.Contains(unknown.What, `on cluster "b"`) {
		t.Errorf("%v does not say on which cluster", unknown)
	}
	total, err = sum([]*lag.Snapshot{a, b}, only("a", named("misspelt")))
	wantAbsent(t, total, err)
	total, err = sum([]*lag.Snapshot{a, b}, named("other")) // which b has, as far as is known
	if unknown := wantUnknown(t, total, err, lag.ClassConnection); !strings.Contains(unknown.What, `"other" on cluster "b"`) {
		t.Errorf("%v does not say on which cluster", unknown)
	}
	total, err = sum([]*lag.Snapshot{a, b}, lag.Selection{})
	wantUnknown(t, total, err, lag.ClassConnection)

	both := named("billing") // who names clusters means all of them
	both.Cluster = func(name string) bool { return name == "a" || name == "b" }
	total, err = sum([]*lag.Snapshot{a, b}, both)
	wantUnknown(t, total, err, lag.ClassConnection)

	// A cluster that has not given a list yet may be about to. One that does not has no say.
	total, err = sum([]*lag.Snapshot{a, never(at(40))}, named("billing"))
	if unknown := wantUnknown(t, total, err, lag.ClassOther); !strings.Contains(unknown.What, `on cluster "c"`) {
		t.Errorf("%v does not say on which cluster", unknown)
	}
	total, err = sum([]*lag.Snapshot{a, never(at(40))}, lag.Selection{})
	wantUnknown(t, total, err, lag.ClassOther)
	for _, c := range []*lag.Snapshot{never(at(39)), never(time.Time{})} {
		for _, sel := range []lag.Selection{named("billing"), {}} {
			total, err = sum([]*lag.Snapshot{a, c}, sel)
			wantLag(t, total, err, 7, 100)
		}
		total, err = sum([]*lag.Snapshot{a, c}, named("misspelt"))
		wantUnknown(t, total, err, lag.ClassOther)
		total, err = sum([]*lag.Snapshot{a, c}, lag.Selection{Group: func(name string) bool { return name == "misspelt" }})
		wantUnknown(t, total, err, lag.ClassOther)
		total, err = sum([]*lag.Snapshot{a, c}, only("c", named("billing")))
		wantUnknown(t, total, err, lag.ClassOther)
		both.Cluster = func(name string) bool { return name == "a" || name == "c" }
		total, err = sum([]*lag.Snapshot{a, c}, both)
		wantUnknown(t, total, err, lag.ClassOther)
	}
	total, err = sum([]*lag.Snapshot{a, never(at(40))}, only("a", named("billing")))
	wantLag(t, total, err, 7, 100)
}

// The same of members: which groups run on a pod does not depend on a cluster that never told.
func TestBindingGoesOnWithoutAClusterThatFails(t *testing.T) {
	member := func(g *lag.GroupObservation) { g.Members = append(g.Members, lag.Member{ClientHost: "/10.0.0.1"}) }
	a := compute(lag.Policy{}, onCluster("a", observe(100, topic("orders", log(0, 10)), group("billing", commits("orders", 3), member))))
	bind := func(c *lag.Snapshot) ([]string, error) {
		snapshots := []*lag.Snapshot{a, c}
		index := &lag.MemberIndex{}
		index.Update(snapshots)
		pod := lag.Pod{Namespace: "default", Name: "billing-0"}
		bound, _, err := lag.GroupsOn(snapshots, lag.Selection{}, []lag.Pod{pod}, directory{pod: {netip.MustParseAddr("10.0.0.1")}}, index, at(100), maxAge)
		return bound.Groups, err
	}
	never := &lag.Snapshot{Cluster: "c", ListingErr: errNever}
	if groups, err := bind(never); err != nil || !slices.Equal(groups, []string{"billing"}) {
		t.Errorf("%q, %v", groups, err)
	}
	partly := compute(lag.Policy{}, onCluster("c", observe(100, listingFails(lag.ClassTimeout), group("other", membersFail(lag.ClassTimeout)))))
	if groups, err := bind(partly); err != nil || !slices.Equal(groups, []string{"billing"}) {
		t.Errorf("with a group whose members were never read: %q, %v", groups, err)
	}
	never.Awaited = at(50)
	if groups, err := bind(never); err == nil {
		t.Errorf("before it may have told: %q", groups)
	}
}

// Settings or DNS may come to mean another cluster. Nothing of the old one counts then, also where names are the same.
func TestAnotherClusterStartsFromNothing(t *testing.T) {
	withID := func(id string, o *lag.Observation) *lag.Observation {
		o.ClusterID = id
		return o
	}
	first := withID("one", observe(0, topic("orders", log(0, 100)), group("billing", commits("orders", 90)), group("only here", commits("orders", 1))))
	s := compute(lag.Policy{}, first, withID("one", observe(5, topic("orders", log(0, 110)), group("billing", commits("orders", 90)))))
	if s.ClusterID != "one" || s.Group("only here") == nil {
		t.Fatalf("after one list without it there is %+v", s.Groups)
	}
	s = compute(lag.Policy{}, first, withID("", observe(5, metadataFails(lag.ClassConnection))))
	if s.ClusterID != "one" || s.Group("only here") == nil {
		t.Fatalf("while nobody answers there is %+v of %q", s.Groups, s.ClusterID)
	}
	s = compute(lag.Policy{}, first, withID("two", observe(5, topic("orders", log(0, 20)), group("billing", commitsFail(lag.ClassCoordinator)))))
	if s.ClusterID != "two" || s.Group("only here") != nil {
		t.Fatalf("of another cluster there is %+v", s.Groups)
	}
	total, err := ask(s, 5, "billing")
	wantUnknown(t, total, err, lag.ClassCoordinator)
	s = lag.Compute(s, withID("two", observe(10, topic("orders", log(0, 20)), group("billing", commits("orders", 15)))), nil)
	total, err = ask(s, 10, "billing")
	wantLag(t, total, err, 5, 10)
}
