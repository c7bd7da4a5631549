package lag_test

import (
	"strings"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// What one failed reading does to the answers: the value before, with its own older time, then nothing; and to no other group,
// topic or partition anything at all. Numbered rows are those of the fault catalogue.

// healthy is the reading before the fault: a lag of 10 + 20 on orders and of 5 on refunds.
func healthy(second int) *lag.Observation {
	return observe(second,
		topic("orders", log(0, 100), log(0, 50)), topic("refunds", log(0, 5)),
		group("billing", commits("orders", 90, 30), commits("refunds", 0), subscribes("orders", "refunds")),
		group("other", commits("refunds", 3)))
}

func TestFaultKeepsTheValueBeforeUntilMaxAge(t *testing.T) {
	orders := topic("orders", log(0, 1000), log(0, 500))
	refunds := topic("refunds", log(0, 5))
	billing := group("billing", commits("orders", 91, 31), commits("refunds", 1), subscribes("orders", "refunds"))
	other := group("other", commits("refunds", 3))
	for _, tc := range []struct {
		name       string
		fault      []part
		class      lag.Class
		otherStale bool // the fault is not of this group alone
	}{
		{"row 1: end of one partition hangs", []part{topic("orders", log(0, 1000), log(0, 500), endFails(lag.ClassTimeout)), refunds, billing, other}, lag.ClassTimeout, false},
		{"row 2: no leader", []part{topic("orders", log(0, 1000), endFails(lag.ClassLeadership), log(0, 500)), refunds, billing, other}, lag.ClassLeadership, false},
		{"row 3: coordinator loading", []part{orders, refunds, group("billing", commitsFail(lag.ClassCoordinator)), other}, lag.ClassCoordinator, false},
		{"row 3: coordinator away, partial list", []part{orders, refunds, listingFails(lag.ClassCoordinator), other}, lag.ClassCoordinator, false},
		{"row 4: cluster down", []part{metadataFails(lag.ClassConnection), listingFails(lag.ClassConnection)}, lag.ClassConnection, true},
		{"metadata alone fails", []part{metadataFails(lag.ClassTimeout), billing, other}, lag.ClassTimeout, true},
		{"row 8: first answer that a topic is gone", []part{topic("orders", topicFails(lag.ClassNotFound)), refunds, billing, other}, lag.ClassNotFound, false},
		{"row 11: topic forbidden", []part{topic("orders", topicFails(lag.ClassAuthorization)), refunds, billing, other}, lag.ClassAuthorization, false},
		{"row 11: group forbidden", []part{orders, refunds, group("billing", commitsFail(lag.ClassAuthorization), membersFail(lag.ClassAuthorization)), other}, lag.ClassAuthorization, false},
		{"topic not described", []part{refunds, billing, other}, lag.ClassOther, false},
		{"commits of one partition fail", []part{orders, refunds, other, group("billing", commits("refunds", 1), subscribes("orders", "refunds"),
			commitsOf("orders", commitRow{Partition: 0, Offset: 91}, commitRow{Partition: 1, Offset: -1, Err: failed(lag.ClassOther)}))}, lag.ClassOther, false},
		{"commits neither read nor failed", []part{orders, refunds, other, group("billing", commitsNotRead)}, lag.ClassOther, false},
		{"row 6: missing from one list", []part{orders, refunds, other}, lag.ClassNotFound, false},
		{"row 23: negative offset", []part{topic("orders", log(0, 1000), log(0, -500)), refunds, billing, other}, lag.ClassProtocol, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := compute(lag.Policy{}, healthy(0), observe(5, tc.fault...))
			total, err := ask(s, 60, "billing")
			wantLag(t, total, err, 35, 0)
			if g := s.Group("billing"); !g.Known(at(60), maxAge) || g.Known(at(61), maxAge) || !g.CompleteAt().Equal(at(0)) || lag.ClassOf(g.Reason()) != tc.class {
				t.Errorf("complete at %v, reason %v", g.CompleteAt(), g.Reason())
			}
			total, err = ask(s, 61, "billing")
			if unknown := wantUnknown(t, total, err, tc.class); !unknown.ReadAt.Equal(at(0)) {
				t.Errorf("last known at %v, want second 0", unknown.ReadAt)
			}
			readAt := 5
			if tc.otherStale {
				readAt = 0
			}
			total, err = ask(s, 20, "other")
			wantLag(t, total, err, 2, readAt)

			s = lag.Compute(s, healthy(10), nil)
			total, err = ask(s, 10, "billing")
			wantLag(t, total, err, 35, 10)
			if g := s.Group("billing"); g.LastComplete != nil || g.Reason() != nil || g.Topics[0].LastComplete != nil {
				t.Errorf("after recovery: %+v", g)
			}
		})
	}
}

func TestRow4FaultFromTheStartIsUnknownAndNotZero(t *testing.T) {
	for name, o := range map[string]*lag.Observation{
		"cluster down":       observe(0, metadataFails(lag.ClassTimeout), listingFails(lag.ClassTimeout)),
		"metadata down":      observe(0, metadataFails(lag.ClassTimeout), group("billing", commits("orders", 1))),
		"commits unread":     observe(0, topic("orders", log(0, 9)), group("billing", commitsFail(lag.ClassTimeout))),
		"coordinator away":   observe(0, topic("orders", log(0, 9)), listingFails(lag.ClassTimeout)),
		"topic unread":       observe(0, topic("orders", topicFails(lag.ClassTimeout)), group("billing", subscribes("orders"))),
		"one partition of 2": observe(0, topic("orders", log(0, 9), log(0, 9), endFails(lag.ClassTimeout)), group("billing", commits("orders", 1, 1))),
		"one topic of 2":     observe(0, topic("a", log(0, 9)), topic("b", topicFails(lag.ClassTimeout)), group("billing", commits("a", 1), commits("b", 1))),
		"commits of one topic": observe(0, topic("orders", log(0, 9)), group("billing",
			commitsOf("orders", commitRow{Err: failed(lag.ClassTimeout), Offset: -1}))),
	} {
		t.Run(name, func(t *testing.T) {
			total, err := ask(compute(lag.Policy{}, o), 0, "billing")
			if unknown := wantUnknown(t, total, err, lag.ClassTimeout); !unknown.ReadAt.IsZero() {
				t.Errorf("last known at %v, want never", unknown.ReadAt)
			}
		})
	}
}

func TestMembersThatCannotBeRead(t *testing.T) {
	read := observe(0, topic("orders", log(0, 100), log(0, 50)), group("billing", commits("orders", 90), subscribes("orders")))
	unread := observe(5, topic("orders", log(0, 200), log(0, 70)), group("billing", commits("orders", 90), membersFail(lag.ClassTimeout)))

	s := compute(lag.Policy{}, read, unread)
	total, err := ask(s, 5, "billing")
	wantLag(t, total, err, 110, 5)
	if total.Partitions != 2 || total.Members != 1 || total.MembersErr != nil {
		t.Errorf("members of the reading before: %+v", total)
	}
	if g := s.Group("billing"); g.MembersErr == nil || !g.MembersReadAt.Equal(at(0)) {
		t.Errorf("members read at %v, %v", g.MembersReadAt, g.MembersErr)
	}

	// Under earliest a partition without a commit counts, and the group may have subscribed to more of them meanwhile.
	total, err = ask(compute(earliest(), read, unread), 5, "billing")
	wantLag(t, total, err, 60, 0)

	total, err = ask(compute(lag.Policy{}, unread), 5, "billing")
	wantLag(t, total, err, 110, 5)
	if lag.ClassOf(total.MembersErr) != lag.ClassTimeout {
		t.Errorf("members: %v, want to be unknown", total.MembersErr)
	}
	total, err = ask(compute(earliest(), unread), 5, "billing")
	wantUnknown(t, total, err, lag.ClassTimeout)
}

func TestMembersNeitherReadNorFailedAreUnknown(t *testing.T) {
	o := observe(5, topic("orders", log(0, 100)), group("billing", commits("orders", 90), membersNotRead))
	total, err := ask(compute(lag.Policy{}, o), 5, "billing")
	wantLag(t, total, err, 10, 5)
	if total.MembersErr == nil {
		t.Error("members that were not read count as 0")
	}
	total, err = ask(compute(earliest(), o), 5, "billing")
	wantUnknown(t, total, err, lag.ClassOther)
}

// A classic group tells its members' topics only while it is stable.
func TestRow26RebalanceLosesNoPartition(t *testing.T) {
	orders := topic("orders", log(0, 100), log(0, 50))
	stable := observe(0, orders, group("billing", commits("orders", 90), subscribes("orders")))
	rebalancing := func(second int, name string) *lag.Observation {
		return observe(second, orders, group("billing", commits("orders", 90), state(name), subscribes()))
	}
	for _, policy := range []lag.Policy{{}, earliest()} {
		s := compute(policy, stable, rebalancing(5, "PreparingRebalance"), rebalancing(10, "CompletingRebalance"))
		if g := s.Group("billing"); rowsOf(g) != "orders/0 orders/1" || g.State != "CompletingRebalance" || len(g.Members) != 1 {
			t.Errorf("rows %s, %+v", rowsOf(g), g)
		}
		total, err := ask(s, 10, "billing")
		if err != nil || !total.ReadAt.Equal(at(10)) {
			t.Errorf("%+v, %v", total, err)
		}
	}
	total, err := ask(compute(earliest(), stable, rebalancing(5, "PreparingRebalance")), 5, "billing")
	wantLag(t, total, err, 60, 5)
	total, err = ask(compute(earliest(), rebalancing(5, "PreparingRebalance")), 5, "billing")
	wantUnknown(t, total, err, lag.ClassCoordinator)
	// What the group left counts no longer once it is stable again.
	if got := rowsOf(compute(earliest(), stable, rebalancing(5, "PreparingRebalance"), observe(10, orders, group("billing", commits("orders", 90)))).Group("billing")); got != "orders/0" {
		t.Errorf("rows %s", got)
	}
}

func TestStartMayBeOlderThanTheEnd(t *testing.T) {
	s := compute(earliest(), observe(0, topic("orders", log(40, 100)), group("billing", assigned("orders", 0))),
		observe(5, topic("orders", log(0, 120), startFails(lag.ClassTimeout)), group("billing", assigned("orders", 0))))
	total, err := ask(s, 5, "billing")
	wantLag(t, total, err, 80, 5)
	if p := firstLog(s, "orders"); p.Start.Value != 40 || !p.Start.ReadAt.Equal(offsetsAt(0)) || p.Start.Err == nil {
		t.Errorf("start %+v", p.Start)
	}
}

func TestUnreadOffsetsKeepTheirTime(t *testing.T) {
	for name, second := range map[string]*lag.Observation{
		"partition": observe(5, topic("orders", log(0, 0), startFails(lag.ClassTimeout), endFails(lag.ClassTimeout))),
		"topic":     observe(5, topic("orders", topicFails(lag.ClassTimeout))),
		"metadata":  observe(5, metadataFails(lag.ClassTimeout)),
	} {
		s := compute(lag.Policy{}, observe(0, topic("orders", log(3, 9))), second)
		p := firstLog(s, "orders")
		for _, o := range []lag.Offset{p.Start, p.End} {
			if o.Err == nil || !o.Known(at(60), maxAge) || o.Known(at(61), maxAge) {
				t.Errorf("%s: %+v, want that of second 0 and why", name, o)
			}
		}
		if p.Start.Value != 3 || p.End.Value != 9 {
			t.Errorf("%s: %+v", name, p)
		}
		if known := s.MetadataKnown(at(61), maxAge); known != (name != "metadata") || !s.MetadataKnown(at(60), maxAge) {
			t.Errorf("%s: metadata known at second 61: %v", name, known)
		}
	}
}

// A topic to which a group subscribed while its partitions could not be read is not forgotten when the group rebalances.
func TestRow26RebalanceLosesNoTopicThatIsStillUnknown(t *testing.T) {
	orders := topic("orders", log(0, 100))
	rebalancing := group("billing", commits("orders", 90), state("PreparingRebalance"), subscribes())
	subscribed := observe(0, orders, topic("refunds", topicFails(lag.ClassTimeout)), group("billing", commits("orders", 90), subscribes("refunds")))
	s := compute(earliest(), subscribed, observe(5, orders, topic("refunds", topicFails(lag.ClassTimeout)), rebalancing))
	total, err := ask(s, 5, "billing")
	wantUnknown(t, total, err, lag.ClassTimeout)
	s = lag.Compute(s, observe(10, orders, topic("refunds", log(0, 7), log(0, 8)), rebalancing), everyone(earliest()))
	total, err = ask(s, 10, "billing")
	wantLag(t, total, err, 25, 10)
}

// Contract: one bad partition never hurts another, wherever it stands among them.
func TestRow2OnePartitionHidesNoOther(t *testing.T) {
	for bad := range 3 {
		var parts []topicPart
		for i := range 3 {
			if parts = append(parts, log(0, 100)); i == bad {
				parts = append(parts, endFails(lag.ClassLeadership))
			}
		}
		s := compute(lag.Policy{}, observe(0, topic("orders", parts...), group("billing", commits("orders", 90, 80, 70))))
		for i := range 3 {
			total, err := ask(s, 0, "billing", onPartitions(int32(i)))
			if i == bad {
				wantUnknown(t, total, err, lag.ClassLeadership)
			} else {
				wantLag(t, total, err, int64(10*(i+1)), 0)
			}
		}
	}
}

func TestOnlyRowsThatWereReadAreNew(t *testing.T) {
	s := compute(lag.Policy{}, healthy(0), observe(5,
		topic("orders", log(0, 1000), log(0, 500), endFails(lag.ClassTimeout)), topic("refunds", log(0, 5)),
		group("billing", commits("orders", 90, 30), commits("refunds", 0))))
	orders := &s.Group("billing").Topics[0]
	if r := &orders.Partitions[0]; orders.RowErr(r) != nil || r.Lag != 910 || !orders.RowReadAt(r).Equal(at(5)) {
		t.Errorf("row 0: %+v", r)
	}
	if r := &orders.Partitions[1]; orders.RowErr(r) == nil || r.Lag != 20 || r.Committed != 30 || !orders.RowReadAt(r).Equal(at(0)) {
		t.Errorf("row 1: %+v, want the one before and why", r)
	}
	if topicErr := orders.Err; !strings.Contains(topicErr.Error(), `topic "orders" partition 1`) {
		t.Errorf("%v does not name the partition", topicErr)
	}
}
