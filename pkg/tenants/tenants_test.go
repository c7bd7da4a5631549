package tenants

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

type fakeSource func() []*lag.Snapshot

func (f fakeSource) Snapshots() []*lag.Snapshot { return f() }

func whole(pattern string) *regexp.Regexp { return regexp.MustCompile("^(?:" + pattern + ")$") }

var readAt = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// snapshot has a group of each name, on a topic of its own, and another name in each hundred that was not collected.
func snapshot(names ...string) *lag.Snapshot {
	s := &lag.Snapshot{Cluster: "main", ListedAt: readAt}
	slices.Sort(names)
	for i, name := range slices.Compact(names) {
		if i%100 == 99 {
			s.Uncollected = append(s.Uncollected, name)
			continue
		}
		s.Topics = append(s.Topics, &lag.Topic{Name: name})
		s.Groups = append(s.Groups, &lag.Group{Name: name, ReadAt: readAt, Topics: []lag.TopicLag{{
			Topic: name, ReadAt: readAt, Partitions: []lag.PartitionLag{{Lag: int64(i)}}}}})
	}
	return s
}

func names(s *lag.Snapshot) []string {
	all := slices.Clone(s.Uncollected)
	for _, g := range s.Groups {
		all = append(all, g.Name)
	}
	slices.Sort(all)
	return all
}

func TestGrants(t *testing.T) {
	grants := Grants{"a": {Names: []string{"orders"}, Prefixes: []string{"a."}, Patterns: []*regexp.Regexp{whole("pay-(eu|us)")}}}
	for group, want := range map[string]bool{
		"orders": true, "orders2": false, "order": false, "a.": true, "a.x": true, "a": false, "ab": false, "pay-eu": true, "pay-eu2": false, "repay-eu": false, "": false,
	} {
		if grants.Allows("a", group) != want {
			t.Errorf("%q is allowed to a: %v", group, !want)
		}
		if grants.Allows("b", group) {
			t.Errorf("%q is allowed to b, which was granted nothing", group)
		}
	}
}

func TestSelectionOfWhatIsGranted(t *testing.T) {
	grants := Grants{"named": {Names: []string{"orders"}}, "prefixed": {Names: []string{"orders"}, Prefixes: []string{"a."}}}
	if s, ok := grants.Selection("named"); !ok || !slices.Equal(s.Groups, []string{"orders"}) || s.Group != nil || s.What != `the groups granted to namespace "named"` {
		t.Errorf("%+v, %v", s, ok)
	}
	if s, ok := grants.Selection("prefixed"); !ok || s.Groups != nil || !s.Group("orders") || !s.Group("a.b") || s.Group("b") {
		t.Errorf("%+v, %v", s, ok)
	}
	if _, ok := grants.Selection("other"); ok {
		t.Error("a namespace without a grant has a selection")
	}
}

// What is shown is what Allows allows, in order, whatever the grants are.
func TestViewIsWhatIsAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab.]{1,4}`)
		grant := Grant{Names: rapid.SliceOfN(word, 0, 4).Draw(t, "names"), Prefixes: rapid.SliceOfN(word, 0, 3).Draw(t, "prefixes")}
		for _, pattern := range rapid.SliceOfN(rapid.SampledFrom([]string{"a.*", "ab+", ".*b", "(?i)A.*", "aa|bb", `a\.[ab]*`, ".*"}), 0, 2).Draw(t, "patterns") {
			grant.Patterns = append(grant.Patterns, whole(pattern))
		}
		all := snapshot(rapid.SliceOfN(word, 0, 300).Draw(t, "groups")...)
		grants := Grants{"a": grant}
		source := NewIsolated(fakeSource(func() []*lag.Snapshot { return []*lag.Snapshot{all} }), grants)
		var want []string
		for _, name := range names(all) {
			if grants.Allows("a", name) {
				want = append(want, name)
			}
		}
		view := source.Snapshots("a")[0]
		if !slices.Equal(names(view), want) {
			t.Errorf("%q are shown, %q are allowed", names(view), want)
		}
		if !slices.IsSortedFunc(view.Groups, func(x, y *lag.Group) int { return cmp.Compare(x.Name, y.Name) }) || !slices.IsSorted(view.Uncollected) {
			t.Error("what is shown is not in order")
		}
		if len(view.Topics) > 0 || view.Cluster != all.Cluster || !view.ListedAt.Equal(all.ListedAt) {
			t.Errorf("the view is %+v", view)
		}
	})
}

// A namespace is shown the same, to the last field, whether or not the groups exist that it was not granted.
func TestWhatIsHiddenMakesNoDifference(t *testing.T) {
	grants := Grants{"a": {Names: []string{"orders"}, Prefixes: []string{"a."}, Patterns: []*regexp.Regexp{whole(".*-eu")}}}
	var hidden []string
	for i := range 500 {
		hidden = append(hidden, fmt.Sprint("b.", i))
	}
	granted := []string{"orders", "a.1", "a.2", "pay-eu"}
	with, without := snapshot(append(hidden, granted...)...), snapshot(granted...)
	for i, g := range without.Groups { // the position of a group decides its lag here
		g.Topics[0].Partitions[0] = with.Group(g.Name).Topics[0].Partitions[0]
		without.Groups[i] = g
	}
	show := func(s *lag.Snapshot, namespace string) []*lag.Snapshot {
		return NewIsolated(fakeSource(func() []*lag.Snapshot { return []*lag.Snapshot{s} }), grants).Snapshots(namespace)
	}
	for _, namespace := range []string{"a", "b", ""} {
		if x, y := show(with, namespace), show(without, namespace); !reflect.DeepEqual(x, y) {
			t.Errorf("%q is shown %+v instead of %+v", namespace, x[0], y[0])
		}
	}
}

func TestViewsFollowTheSource(t *testing.T) {
	var latest []*lag.Snapshot
	source := fakeSource(func() []*lag.Snapshot { return latest })
	isolated := NewIsolated(source, Grants{"a": {Prefixes: []string{"a"}}})
	if got := isolated.Snapshots("a"); len(got) > 0 {
		t.Errorf("before the first collection there is %+v", got)
	}
	latest = []*lag.Snapshot{snapshot("a1", "b1")}
	first := isolated.Snapshots("a")
	if got := isolated.Snapshots("a"); &got[0] != &first[0] || !slices.Equal(names(got[0]), []string{"a1"}) {
		t.Errorf("the same snapshots are shown as %v", names(got[0]))
	}
	if x, y := isolated.Snapshots("b"), isolated.Snapshots("c"); &x[0] != &y[0] || len(names(x[0])) > 0 {
		t.Errorf("those without a grant are shown %v and %v", names(x[0]), names(y[0]))
	}
	latest = []*lag.Snapshot{snapshot("a1", "a2", "b1"), snapshot("a3")}
	if got := isolated.Snapshots("a"); len(got) != 2 || !slices.Equal(names(got[0]), []string{"a1", "a2"}) || !slices.Equal(names(got[1]), []string{"a3"}) {
		t.Errorf("later snapshots are shown as %v", got)
	}
	if got := (Open{source}).Snapshots("b"); &got[0] != &latest[0] {
		t.Error("without isolation there is something else than the latest snapshots")
	}
}

func TestViewsOfManyAtOnce(t *testing.T) {
	snapshots := [][]*lag.Snapshot{{snapshot("a1", "b1")}, {snapshot("a1", "a2", "b2")}}
	var mu sync.Mutex
	at := 0
	isolated := NewIsolated(fakeSource(func() []*lag.Snapshot {
		mu.Lock()
		defer mu.Unlock()
		at++
		return snapshots[at/10%2]
	}), Grants{"a": {Prefixes: []string{"a"}}, "b": {Prefixes: []string{"b"}}})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			namespace := []string{"a", "b"}[i%2]
			for range 500 {
				for _, name := range names(isolated.Snapshots(namespace)[0]) {
					if name[:1] != namespace {
						t.Errorf("%s is shown to %s", name, namespace)
					}
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkView is what the first request of a namespace costs after a collection of 20,000 groups.
func BenchmarkView(b *testing.B) {
	var groups []string
	for i := range 20_000 {
		groups = append(groups, fmt.Sprintf("team-%03d.consumer-%05d", i%200, i))
	}
	all := snapshot(groups...)
	for name, grant := range map[string]Grant{
		"names":              {Names: groups[:100]},
		"prefix":             {Prefixes: []string{"team-007."}},
		"pattern":            {Patterns: []*regexp.Regexp{whole(`team-007\..*`)}},
		"pattern of the end": {Patterns: []*regexp.Regexp{whole(`.*-\d\d\d07`)}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				grant.view(all)
			}
		})
	}
}
