package lag_test

import (
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// sumOver sums over all groups that match, of one cluster.
func sumOver(s *lag.Snapshot, second int, match func(string) bool) (lag.Total, error) {
	return lag.Sum([]*lag.Snapshot{s}, lag.Selection{Group: match, What: "consumergroup!=none"}, at(second), maxAge)
}

func TestSumOfParts(t *testing.T) {
	s := compute(lag.Policy{}, healthy(0))
	for _, tc := range []struct {
		name                    string
		narrow                  []func(*lag.Selection)
		lag, maxLag, partitions int64
	}{
		{"the group", nil, 35, 20, 3},
		{"a topic", []func(*lag.Selection){onTopics("orders")}, 30, 20, 2},
		{"two topics", []func(*lag.Selection){onTopics("orders", "refunds")}, 35, 20, 3},
		{"a partition of every topic", []func(*lag.Selection){onPartitions(0)}, 15, 10, 2},
		{"one partition", []func(*lag.Selection){onTopics("orders"), onPartitions(1)}, 20, 20, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			total, err := ask(s, 3, "billing", tc.narrow...)
			wantLag(t, total, err, tc.lag, 0)
			if total.MaxLag != tc.maxLag || total.Partitions != tc.partitions {
				t.Errorf("%+v, want max %d of %d partitions", total, tc.maxLag, tc.partitions)
			}
		})
	}
}

func TestSumOfGroups(t *testing.T) {
	s := compute(lag.Policy{}, healthy(0))
	total, err := sumOver(s, 0, nil)
	wantLag(t, total, err, 37, 0)
	total, err = sumOver(s, 0, func(name string) bool { return name != "billing" })
	wantLag(t, total, err, 2, 0)
	total, err = lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{"billing", "other"}}, at(0), maxAge)
	wantLag(t, total, err, 37, 0)
	total, err = lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{"billing", "misspelt"}}, at(0), maxAge)
	wantLag(t, total, err, 35, 0)
}

func TestSumIsAsOldAsItsOldestGroup(t *testing.T) {
	s := compute(lag.Policy{}, healthy(0), observe(5, topic("orders", log(0, 100), log(0, 50)), topic("refunds", log(0, 5)),
		group("billing", commitsFail(lag.ClassTimeout)), group("other", commits("refunds", 5))))
	total, err := sumOver(s, 60, nil)
	wantLag(t, total, err, 35, 0)
	total, err = sumOver(s, 61, nil)
	wantUnknown(t, total, err, lag.ClassTimeout)
	total, err = ask(s, 61, "other")
	wantLag(t, total, err, 0, 5)
}

func TestSumOverClusters(t *testing.T) {
	east, west := compute(lag.Policy{}, healthy(0)), compute(lag.Policy{}, healthy(5))
	west.Cluster = "west"
	both := []*lag.Snapshot{east, west}
	total, err := lag.Sum(both, lag.Selection{Groups: []string{"billing"}}, at(5), maxAge)
	wantLag(t, total, err, 70, 0)
	total, err = lag.Sum(both, lag.Selection{Groups: []string{"billing"}, Cluster: func(c string) bool { return c == "west" }}, at(5), maxAge)
	wantLag(t, total, err, 35, 5)
	total, err = lag.Sum(both, lag.Selection{Groups: []string{"billing"}, What: "cluster=north", Cluster: func(c string) bool { return c == "north" }}, at(5), maxAge)
	wantAbsent(t, total, err)
}

// An unknown part makes only the sums unknown that it is a part of.
func TestSumIsNeverPartial(t *testing.T) {
	s := compute(lag.Policy{}, observe(0,
		topic("bad", log(0, 9), log(0, 9), endFails(lag.ClassTimeout)), topic("good", log(0, 9)), topic("ugly", topicFails(lag.ClassAuthorization)),
		group("billing", commits("bad", 1, 1), commits("good", 2)), group("other", commits("good", 3)), group("third", commits("good", 3), subscribes("ugly"))))
	for name, sum := range map[string]func() (lag.Total, error){
		"the group":            func() (lag.Total, error) { return ask(s, 0, "billing") },
		"the topic":            func() (lag.Total, error) { return ask(s, 0, "billing", onTopics("bad")) },
		"the partition":        func() (lag.Total, error) { return ask(s, 0, "billing", onPartitions(1)) },
		"the partition, named": func() (lag.Total, error) { return ask(s, 0, "billing", onTopics("bad"), onPartitions(0, 1)) },
		"all groups":           func() (lag.Total, error) { return sumOver(s, 0, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			total, err := sum()
			wantUnknown(t, total, err, lag.ClassTimeout)
		})
	}
	total, err := ask(s, 0, "billing", onTopics("bad"), onPartitions(0))
	wantLag(t, total, err, 8, 0)
	total, err = ask(s, 0, "billing", onTopics("good"))
	wantLag(t, total, err, 7, 0)
	total, err = ask(s, 0, "other")
	wantLag(t, total, err, 6, 0)
	// Which partitions a subscribed topic has is not known while it cannot be read.
	total, err = ask(s, 0, "third", onPartitions(7))
	wantUnknown(t, total, err, lag.ClassAuthorization)
	total, err = ask(s, 0, "third", onTopics("good"))
	wantLag(t, total, err, 6, 0)
}

// The latest reading, else the topic's last complete one, else the group's, else none.
func TestSumFallsBackToTheLastCompleteReading(t *testing.T) {
	billing := group("billing", commits("a", 0), commits("b", 0), commits("c", 0))
	reading := func(second int, a, b, c topicPart) *lag.Observation {
		end := log(0, int64(100+second))
		return observe(second, topic("a", end, a), topic("b", end, b), topic("c", end, c), billing)
	}
	fine := func(*topicDraft, time.Time) {}
	bad := endFails(lag.ClassTimeout)
	s := compute(lag.Policy{}, reading(0, fine, fine, fine), reading(5, fine, fine, bad), reading(10, bad, fine, bad))
	for _, tc := range []struct {
		name   string
		topics []string
		want   int64
		readAt int
	}{
		{"latest", []string{"b"}, 110, 10},
		{"the topic's last complete", []string{"a"}, 105, 5},
		{"an older one", []string{"c"}, 100, 0},
		{"the group's last complete, all of one moment", []string{"a", "b"}, 200, 0},
		{"all", []string{"a", "b", "c"}, 300, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			total, err := ask(s, tc.readAt+60, "billing", onTopics(tc.topics...))
			wantLag(t, total, err, tc.want, tc.readAt)
			total, err = ask(s, tc.readAt+61, "billing", onTopics(tc.topics...))
			class := lag.ClassTimeout
			if tc.readAt == 10 {
				class = lag.ClassOther // only its age speaks against it
			}
			if unknown := wantUnknown(t, total, err, class); !unknown.ReadAt.Equal(at(tc.readAt)) {
				t.Errorf("last known at %v, want second %d", unknown.ReadAt, tc.readAt)
			}
		})
	}
	for i, want := range []struct {
		readAt int
		lag    int64
	}{{5, 105}, {10, 110}, {0, 100}} {
		topic := &s.Group("billing").Topics[i]
		if rows, readAt, ok := topic.Reading(at(want.readAt+60), maxAge); !ok || len(rows) != 1 || rows[0].Lag != want.lag || !readAt.Equal(at(want.readAt)) {
			t.Errorf("reading of %s: %+v, %v", topic.Topic, rows, ok)
		}
		if rows, _, ok := topic.Reading(at(want.readAt+61), maxAge); ok {
			t.Errorf("reading of %s is too old: %+v", topic.Topic, rows)
		}
	}
}

// A topic's last complete reading answers only if nothing else was selected at its time: the sum would lack that.
func TestSumOfTheLastReadingLacksNoTopicThatWasLeftSince(t *testing.T) {
	a, aFails := topic("a", log(0, 10)), topic("a", log(0, 10), endFails(lag.ClassTimeout))
	b, bFails := topic("b", log(0, 100)), topic("b", log(0, 100), endFails(lag.ClassTimeout))
	both := group("billing", commits("a", 0), commits("b", 0))
	onlyA := group("billing", commits("a", 0))
	for name, then := range map[string][]*lag.Observation{
		"at once": {observe(5, a, bFails, both), observe(10, aFails, onlyA)},
		"later":   {observe(5, a, bFails, both), observe(10, aFails, bFails, both), observe(15, aFails, onlyA), observe(20, aFails, onlyA)},
		"and the group failed": {observe(5, a, bFails, both), observe(10, aFails, onlyA),
			observe(15, group("billing", commitsFail(lag.ClassTimeout))), observe(20, listingFails(lag.ClassTimeout))},
	} {
		t.Run(name, func(t *testing.T) {
			s := compute(lag.Policy{}, then...)
			total, err := ask(s, 20, "billing")
			wantUnknown(t, total, err, lag.ClassTimeout)
			total, err = ask(s, 20, "billing", onTopics("a", "b"))
			wantUnknown(t, total, err, lag.ClassTimeout)
			total, err = ask(s, 20, "billing", onTopics("a"))
			wantLag(t, total, err, 10, 5)
			s = compute(lag.Policy{}, append([]*lag.Observation{observe(0, a, b, both)}, then...)...)
			total, err = ask(s, 20, "billing")
			wantLag(t, total, err, 110, 0)
		})
	}
}

func TestSumDoubtsGroupsThatWereNeverListed(t *testing.T) {
	s := compute(lag.Policy{}, observe(0, topic("refunds", log(0, 5)), listingFails(lag.ClassCoordinator), group("other", commits("refunds", 3))))
	total, err := ask(s, 0, "other")
	wantLag(t, total, err, 2, 0)
	total, err = ask(s, 0, "billing")
	wantUnknown(t, total, err, lag.ClassCoordinator)
	total, err = sumOver(s, 0, nil)
	wantUnknown(t, total, err, lag.ClassCoordinator)

	// An incomplete list after a complete one: which groups there are is known as long as that one is young enough.
	s = compute(lag.Policy{}, healthy(0), observe(5, topic("refunds", log(0, 5)), listingFails(lag.ClassCoordinator), group("other", commits("refunds", 3))))
	total, err = ask(s, 60, "misspelt")
	wantAbsent(t, total, err)
	total, err = ask(s, 61, "misspelt")
	wantUnknown(t, total, err, lag.ClassCoordinator)
	total, err = sumOver(s, 60, func(n string) bool { return n == "other" })
	wantLag(t, total, err, 2, 5)
	total, err = sumOver(s, 61, func(n string) bool { return n == "other" })
	wantUnknown(t, total, err, lag.ClassCoordinator)
}

func TestRow25SumDoesNotWrap(t *testing.T) {
	huge := []groupPart{commits("a", 0), commits("b", 0), commits("c", 0)}
	s := compute(lag.Policy{}, observe(0, topic("a", log(0, 1<<53)), topic("b", log(0, 1)), topic("c", log(0, 1<<52)), group("g1", huge...), group("g2", commits("c", 0)), group("g3", commits("c", 0)), group("g4", commits("b", 0))))
	total, err := ask(s, 0, "g1", onTopics("a"))
	wantLag(t, total, err, 1<<53, 0)
	total, err = ask(s, 0, "g1", onTopics("a", "b"))
	wantUnknown(t, total, err, lag.ClassProtocol)
	total, err = ask(s, 0, "g1")
	wantUnknown(t, total, err, lag.ClassProtocol)
	total, err = lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{"g2", "g3"}}, at(0), maxAge)
	wantLag(t, total, err, 1<<53, 0)
	total, err = lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{"g2", "g3", "g4"}}, at(0), maxAge) // of which each can be
	wantUnknown(t, total, err, lag.ClassProtocol)
	total, err = sumOver(s, 0, nil)
	wantUnknown(t, total, err, lag.ClassProtocol)

	many := make([]topicPart, 3000)
	offsets := make([]int64, len(many))
	for i := range many {
		many[i] = log(0, 1<<53)
	}
	s = compute(lag.Policy{}, observe(0, topic("a", many...), group("g1", commits("a", offsets...))))
	total, err = ask(s, 0, "g1") // 3000 × 2^53 > 2^63
	wantUnknown(t, total, err, lag.ClassProtocol)
}

func TestRow22AgesMayBeOfTheFuture(t *testing.T) {
	s := compute(lag.Policy{}, healthy(3600))
	total, err := ask(s, 0, "billing") // a clock without a monotonic reading that was set back
	wantLag(t, total, err, 35, 3600)
}
