package lag_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// What is absent, as told from what is not known: groups (row 6 of the fault catalogue), topics (rows 7 and 8), partitions.

func TestRow6GroupIsGoneAfterTwoCompleteLists(t *testing.T) {
	refunds := topic("refunds", log(0, 5))
	without := func(second int) *lag.Observation { return observe(second, refunds) }
	partial := func(second int) *lag.Observation {
		return observe(second, refunds, listingFails(lag.ClassTimeout))
	}
	for _, tc := range []struct {
		name string
		then []*lag.Observation
		gone bool
	}{
		{"once", []*lag.Observation{without(5)}, false},
		{"twice", []*lag.Observation{without(5), without(10)}, true},
		{"never by incomplete lists", []*lag.Observation{partial(5), partial(10), partial(15), partial(20)}, false},
		{"an incomplete list proves nothing", []*lag.Observation{without(5), partial(10), partial(15)}, false},
		{"nor does it disprove", []*lag.Observation{without(5), partial(10), without(15)}, true},
		{"seen again in between", []*lag.Observation{without(5), healthy(10), without(15)}, false},
		{"listed though unreadable", []*lag.Observation{without(5), observe(10, refunds, group("billing", commitsFail(lag.ClassTimeout))), without(15)}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := compute(lag.Policy{}, append([]*lag.Observation{healthy(0)}, tc.then...)...)
			total, err := ask(s, 20, "billing")
			if tc.gone {
				wantAbsent(t, total, err)
				return
			}
			readAt := 0
			if strings.HasPrefix(tc.name, "seen") {
				readAt = 10
			}
			wantLag(t, total, err, 35, readAt)
		})
	}
}

func TestRow8TopicIsGoneAfterTwoAnswers(t *testing.T) {
	gone := func(second int, class lag.Class) *lag.Observation {
		return observe(second, topic("orders", topicFails(class)), topic("refunds", log(0, 5)),
			group("billing", commits("orders", 90, 30), commits("refunds", 0), subscribes("orders", "refunds")))
	}
	s := compute(lag.Policy{}, healthy(0), gone(5, lag.ClassNotFound))
	total, err := ask(s, 5, "billing")
	wantLag(t, total, err, 35, 0) // not 5: a broker that lags behind may have answered

	s = lag.Compute(s, gone(10, lag.ClassNotFound), nil)
	total, err = ask(s, 10, "billing")
	wantLag(t, total, err, 5, 10)
	total, err = ask(s, 10, "billing", onTopics("orders"))
	wantAbsent(t, total, err)
	if g := s.Group("billing"); !slices.Equal(g.DeletedTopics, []string{"orders"}) || rowsOf(g) != "refunds/0" {
		t.Errorf("deleted topics %v, rows %s", g.DeletedTopics, rowsOf(g))
	}
	if p := s.Topic("orders").Partitions; len(p) != 0 {
		t.Errorf("a deleted topic with partitions %v", p)
	}

	// A topic that was never seen there needs no second answer.
	total, err = ask(compute(lag.Policy{}, gone(5, lag.ClassNotFound)), 5, "billing")
	wantLag(t, total, err, 5, 5)
	// Other errors in between neither prove nor disprove; an answer that it is there does.
	s = compute(lag.Policy{}, healthy(0), gone(5, lag.ClassNotFound), gone(10, lag.ClassTimeout))
	total, err = ask(s, 10, "billing")
	wantLag(t, total, err, 35, 0)
	s = compute(lag.Policy{}, healthy(0), gone(5, lag.ClassNotFound), healthy(10), gone(15, lag.ClassNotFound))
	total, err = ask(s, 15, "billing")
	wantLag(t, total, err, 35, 10)
}

func TestRow8SubscriptionToADeletedTopicIsNoFailure(t *testing.T) {
	s := compute(earliest(), observe(0, topic("gone", topicFails(lag.ClassNotFound)), topic("orders", log(0, 9)), group("billing", commits("orders", 8), subscribes("gone", "orders"))))
	total, err := ask(s, 0, "billing")
	wantLag(t, total, err, 1, 0)
	if d := s.Group("billing").DeletedTopics; len(d) != 0 {
		t.Errorf("deleted topics %v, but nothing is committed on them", d)
	}
}

func TestRow8AddedPartitionsCountAtTheNextPoll(t *testing.T) {
	s := compute(earliest(), healthy(0), observe(5, topic("orders", log(0, 100), log(0, 50), log(0, 7)), topic("refunds", log(0, 5)),
		group("billing", commits("orders", 90, 30), commits("refunds", 0), subscribes("orders", "refunds"))))
	total, err := ask(s, 5, "billing")
	wantLag(t, total, err, 42, 5)
	if total.Partitions != 4 {
		t.Errorf("%d partitions", total.Partitions)
	}
}

// Readings before the latest are kept at most once, however long a fault lasts.
func TestLastCompleteIsNeverAChain(t *testing.T) {
	s := compute(lag.Policy{}, healthy(0))
	for i := range 50 {
		second := 5 + 5*i
		o := observe(second, topic("orders", log(0, 1000), log(0, 500), endFails(lag.ClassTimeout)), topic("refunds", log(0, 5)),
			group("billing", commits("orders", 90, 30), commits("refunds", 0)))
		switch i % 4 {
		case 1:
			o = observe(second, metadataFails(lag.ClassTimeout), listingFails(lag.ClassTimeout))
		case 2:
			o = observe(second, topic("orders", topicFails(lag.ClassTimeout)), group("billing", commitsFail(lag.ClassTimeout)))
		case 3:
			o = observe(second, topic("orders", topicFails(lag.ClassTimeout)), topic("refunds", log(0, 5)), group("billing", commits("orders", 90, 30), commits("refunds", 0)))
		}
		s = lag.Compute(s, o, nil)
		if err := chained(s); err != nil {
			t.Fatalf("collection %d: %v", i, err)
		}
		if g := s.Group("billing"); !g.CompleteAt().Equal(at(0)) {
			t.Fatalf("collection %d: complete at %v", i, g.CompleteAt())
		}
	}
}

// chained returns where a reading that is kept keeps another one, or is not needed.
func chained(s *lag.Snapshot) error {
	for _, g := range s.Groups {
		incomplete := false
		for i := range g.Topics {
			t := &g.Topics[i]
			incomplete = incomplete || t.Err != nil
			if last := t.LastComplete; last != nil && (t.Err == nil || last.Err != nil || last.LastComplete != nil) {
				return fmt.Errorf("topic %s of group %s", t.Topic, g.Name)
			}
		}
		last := g.LastComplete
		if last == nil {
			continue
		}
		if !incomplete || last.LastComplete != nil {
			return fmt.Errorf("group %s", g.Name)
		}
		for i := range last.Topics {
			if last.Topics[i].Err != nil || last.Topics[i].LastComplete != nil {
				return fmt.Errorf("topic %s of the last complete reading of group %s", last.Topics[i].Topic, g.Name)
			}
		}
	}
	return nil
}
