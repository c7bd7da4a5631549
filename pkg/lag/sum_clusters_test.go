package lag_test

import (
	"errors"
	"strings"
	"testing"

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
	never := &lag.Snapshot{Cluster: "c", ListingErr: errNever}
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

	// What a cluster has that never gave its list is not known: the sum may lack a part.
	total, err = sum([]*lag.Snapshot{a, never}, named("billing"))
	if unknown := wantUnknown(t, total, err, lag.ClassOther); !strings.Contains(unknown.What, `on cluster "c"`) {
		t.Errorf("%v does not say on which cluster", unknown)
	}
	total, err = sum([]*lag.Snapshot{a, never}, only("a", named("billing")))
	wantLag(t, total, err, 7, 100)
	total, err = sum([]*lag.Snapshot{a}, named("billing"))
	wantLag(t, total, err, 7, 100)
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
