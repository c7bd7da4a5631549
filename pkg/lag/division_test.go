package lag_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// divide asks for group "g", narrowed, and the pods of these names.
func divide(t *testing.T, s *lag.Snapshot, second int, d directory, names []string, narrow ...func(*lag.Selection)) []lag.PodTotal {
	t.Helper()
	sel := lag.Selection{Groups: []string{"g"}}
	for _, n := range narrow {
		n(&sel)
	}
	total, each, err := lag.SumByPod([]*lag.Snapshot{s}, sel, named(names...), d, at(second), maxAge)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := lag.Sum([]*lag.Snapshot{s}, sel, at(second), maxAge)
	total.MembersErr, plain.MembersErr = nil, nil
	if err != nil || plain != total {
		t.Errorf("the total is %+v, but %+v, %v without pods", total, plain, err)
	}
	return each
}

func wantEach(t *testing.T, got []lag.PodTotal, want ...lag.PodTotal) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// The group g of the tests has lags of 10, 20, 30 and 40 on four partitions.
func fourPartitions(members ...groupPart) *lag.Snapshot {
	return compute(lag.Policy{}, observe(0, topic("orders", log(0, 10), log(0, 20), log(0, 30), log(0, 40)),
		group("g", append([]groupPart{commits("orders", 0, 0, 0, 0)}, members...)...)))
}

func TestPartitionsCountForTheirPods(t *testing.T) {
	d, three := pods("a", "10.0.0.1", "b", "10.0.0.2", "c", "10.0.0.3", "elsewhere", "10.0.0.9"), []string{"a", "b", "c"}
	for _, tc := range []struct {
		name    string
		members []groupPart
		want    []lag.PodTotal
	}{
		{"all owned, one pod idle", []groupPart{member("/10.0.0.1", "", "", of("orders", 0, 3)), member("/10.0.0.2", "", "", of("orders", 1, 2)), member("/10.0.0.3", "", "")},
			[]lag.PodTotal{{50, 40, 2, 1}, {50, 30, 2, 1}, {0, 0, 0, 1}}},
		{"two members on one pod", []groupPart{member("/10.0.0.1", "", "", of("orders", 0)), member("/10.0.0.1", "", "", of("orders", 1, 2, 3))},
			[]lag.PodTotal{{100, 40, 4, 1}, {}, {}}},
		{"a ghost's share is spread", []groupPart{member("/10.0.0.1", "", "", of("orders", 0)), member("/10.0.0.7", "", "", of("orders", 1, 2, 3))},
			[]lag.PodTotal{{40, 10, 2, 1}, {30, 40, 1, 1}, {30, 40, 1, 0}}},
		{"so is that of a pod that is not asked for, which is no member on these", []groupPart{member("/10.0.0.1", "", "", of("orders", 0)), member("/10.0.0.9", "", "a", of("orders", 1, 2, 3))},
			[]lag.PodTotal{{40, 10, 2, 1}, {30, 40, 1, 0}, {30, 40, 1, 0}}},
		{"nobody is assigned", []groupPart{member("/10.0.0.1", "", ""), member("/10.0.0.2", "", "")},
			[]lag.PodTotal{{34, 40, 2, 1}, {33, 40, 1, 1}, {33, 40, 1, 0}}},
		{"one address for all, and nothing known", []groupPart{member("/127.0.0.1", "", "x", of("orders", 0)), member("/127.0.0.1", "", "x", of("orders", 1, 2, 3))},
			[]lag.PodTotal{{34, 40, 2, 1}, {33, 40, 1, 1}, {33, 40, 1, 0}}},
		{"one address for all, and client ids", []groupPart{member("/127.0.0.1", "", "b", of("orders", 0)), member("/127.0.0.1", "a-0", "x", of("orders", 1, 2, 3))},
			[]lag.PodTotal{{90, 40, 3, 1}, {10, 10, 1, 1}, {}}},
		{"a partition that moves from one to another counts once", []groupPart{member("/10.0.0.1", "", "", of("orders", 0, 3)), member("/10.0.0.2", "", "", of("orders", 1, 2, 3))},
			[]lag.PodTotal{{30, 40, 2, 1}, {70, 40, 2, 1}, {}}},
		{"one that all have, some twice", []groupPart{member("/10.0.0.1", "", "", of("orders", 0, 0)), member("/10.0.0.2", "", "", of("orders", 0)), member("/10.0.0.3", "", "", of("orders", 0), of("orders", 0)),
			member("/10.0.0.3", "", "", of("orders", 1, 2, 3))},
			[]lag.PodTotal{{4, 10, 1, 1}, {3, 10, 0, 1}, {93, 40, 3, 1}}},
		{"more members of unknown places than pods", []groupPart{member("", "", ""), member("", "", ""), member("", "", ""), member("", "", "")},
			[]lag.PodTotal{{34, 40, 2, 1}, {33, 40, 1, 1}, {33, 40, 1, 1}}},
		{"no members", nil, []lag.PodTotal{{34, 40, 2, 0}, {33, 40, 1, 0}, {33, 40, 1, 0}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantEach(t, divide(t, fourPartitions(tc.members...), 0, d, three), tc.want...)
		})
	}
}

func TestOnlyWhatIsSelectedIsDivided(t *testing.T) {
	d := pods("a", "10.0.0.1", "b", "10.0.0.2")
	s := compute(lag.Policy{}, observe(0, topic("orders", log(0, 10), log(0, 20)), topic("refunds", log(0, 5)),
		group("g", commits("orders", 0, 0), commits("refunds", 0), member("/10.0.0.1", "", "", of("orders", 0, 1)), member("/10.0.0.2", "", "", of("refunds", 0)))))
	wantEach(t, divide(t, s, 0, d, []string{"a", "b"}), lag.PodTotal{30, 20, 2, 1}, lag.PodTotal{5, 5, 1, 1})
	wantEach(t, divide(t, s, 0, d, []string{"a", "b"}, onTopics("refunds")), lag.PodTotal{}, lag.PodTotal{5, 5, 1, 1})
	wantEach(t, divide(t, s, 0, d, []string{"a", "b"}, onPartitions(1)), lag.PodTotal{20, 20, 1, 1}, lag.PodTotal{})
	wantEach(t, divide(t, s, 0, d, []string{"b"}, onPartitions(1)), lag.PodTotal{20, 20, 1, 0})
	wantEach(t, divide(t, s, 0, d, nil))
}

func TestPodsOfTwoGroupsHaveBoth(t *testing.T) {
	d := pods("a", "10.0.0.1", "b", "10.0.0.2")
	s := compute(lag.Policy{}, observe(0, topic("orders", log(0, 10), log(0, 20)),
		group("g", commits("orders", 0, 0), member("/10.0.0.1", "", "", of("orders", 0, 1))),
		group("h", commits("orders", 9, 15), member("/10.0.0.1", "", "", of("orders", 0)), member("/10.0.0.2", "", "", of("orders", 1)))))
	_, each, err := lag.SumByPod([]*lag.Snapshot{s}, lag.Selection{}, named("a", "b"), d, at(0), maxAge)
	if err != nil {
		t.Fatal(err)
	}
	wantEach(t, each, lag.PodTotal{31, 20, 3, 1}, lag.PodTotal{5, 5, 1, 1})
}

// The older complete reading is divided where the sum is of it, and members that are too old own nothing any more.
func TestDivisionIsOfTheReadingOfTheSum(t *testing.T) {
	d := pods("a", "10.0.0.1", "b", "10.0.0.2")
	members := []groupPart{commits("orders", 0, 0), member("/10.0.0.1", "", "", of("orders", 0)), member("/10.0.0.2", "", "", of("orders", 1))}
	s := compute(lag.Policy{}, observe(0, topic("orders", log(0, 10), log(0, 20)), group("g", members...)),
		observe(5, topic("orders", log(0, 11), log(0, 20), endFails(lag.ClassTimeout)), group("g", commits("orders", 0, 0), membersFail(lag.ClassTimeout))))
	wantEach(t, divide(t, s, 6, d, []string{"a", "b"}), lag.PodTotal{10, 10, 1, 1}, lag.PodTotal{20, 20, 1, 1})
	s = compute(lag.Policy{}, observe(0, topic("orders", log(0, 10), log(0, 20)), group("g", members...)),
		observe(50, topic("orders", log(0, 11), log(0, 20)), group("g", commits("orders", 0, 0), membersFail(lag.ClassTimeout))))
	wantEach(t, divide(t, s, 60, d, []string{"a", "b"}), lag.PodTotal{11, 11, 1, 1}, lag.PodTotal{20, 20, 1, 1})
	wantEach(t, divide(t, s, 61, d, []string{"a", "b"}), lag.PodTotal{16, 20, 1, 0}, lag.PodTotal{15, 20, 1, 0})
}

// Members that were read after the partitions may be assigned others besides.
func TestAssignmentsToPartitionsThatTheReadingLacks(t *testing.T) {
	s := compute(lag.Policy{}, observe(0, topic("orders", log(0, 10), log(0, 20)), group("g", commits("orders", 0, 0))),
		observe(5, group("g", commitsFail(lag.ClassTimeout), member("/10.0.0.1", "", "", of("new", 0), of("orders", -1, 1, 2, 99)))))
	wantEach(t, divide(t, s, 5, pods("a", "10.0.0.1", "b", ""), []string{"a", "b"}), lag.PodTotal{25, 20, 2, 1}, lag.PodTotal{5, 10, 0, 0})
}

func TestDivisionHasTheErrorsOfTheSum(t *testing.T) {
	s := compute(lag.Policy{}, observe(0, topic("orders", log(0, 10), endFails(lag.ClassTimeout)), group("g", commits("orders", 0))))
	for _, name := range []string{"g", "x"} {
		sel := lag.Selection{Groups: []string{name}}
		_, want := lag.Sum([]*lag.Snapshot{s}, sel, at(0), maxAge)
		total, each, err := lag.SumByPod([]*lag.Snapshot{s}, sel, named("a"), pods("a", ""), at(0), maxAge)
		if err == nil || err.Error() != want.Error() || each != nil || total != (lag.Total{}) {
			t.Errorf("got %+v, %+v, %v, want %v", total, each, err, want)
		}
	}
}

// A share group's partition is assigned to several members at once.
func TestShareGroupsPartitionIsShared(t *testing.T) {
	d := pods("a", "10.0.0.1", "b", "10.0.0.2", "c", "10.0.0.3")
	s := compute(earliest(), observe(0, topic("orders", log(0, 10)), group("g", func(g *lag.GroupObservation) { g.Type = lag.GroupShare },
		commitsOf("orders", commitRow{Offset: 0, LeaderEpoch: -1, BrokerLag: 10}),
		member("/10.0.0.1", "", "", of("orders", 0)), member("/10.0.0.2", "", "", of("orders", 0)), member("/10.0.0.3", "", "", of("orders", 0)))))
	wantEach(t, divide(t, s, 0, d, []string{"a", "b", "c"}), lag.PodTotal{4, 10, 1, 1}, lag.PodTotal{3, 10, 0, 1}, lag.PodTotal{3, 10, 0, 1})
}

func TestDivisionOfNothingCollected(t *testing.T) {
	_, _, err := lag.SumByPod(nil, lag.Selection{}, named("a"), pods(), time.Now(), maxAge)
	if err == nil {
		t.Error("no error")
	}
}
