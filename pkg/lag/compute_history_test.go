package lag_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// What a topic went through decides which commits are believed: these are the cases of row 7 of the fault catalogue, and of
// records that retention deleted.

func epoch(number int32) topicPart { return edit(func(p *logRow) { p.LeaderEpoch = number }) }

// billing commits one offset on partition 0 of orders.
func billing(offset int64) part { return group("billing", commits("orders", offset)) }

func TestRow7CreatedAnew(t *testing.T) {
	before := observe(0, topic("orders", id(1), log(40, 100)), billing(90))
	anew := func(second int, end, commit int64) *lag.Observation {
		return observe(second, topic("orders", id(2), log(0, end)), billing(commit))
	}
	// The commit of the old topic is not believed, neither beyond the new log's end nor within it, however often it is read.
	s := compute(lag.Policy{}, before, anew(5, 3, 90))
	total, err := ask(s, 5, "billing")
	wantUnknown(t, total, err, lag.ClassOffsetRange)
	if start := firstLog(s, "orders").Start; start.Value != 0 {
		t.Errorf("start %+v is of the old log", start)
	}
	for second := 10; second <= 600; second += 5 {
		s = lag.Compute(s, anew(second, 200, 90), nil)
	}
	total, err = ask(s, 600, "billing")
	if unknown := wantUnknown(t, total, err, lag.ClassOffsetRange); !strings.Contains(unknown.Error(), "must commit again") {
		t.Errorf("%v does not say what to do", unknown)
	}
	// It is settled by another commit.
	s = lag.Compute(s, anew(605, 200, 150), nil)
	total, err = ask(s, 605, "billing")
	wantLag(t, total, err, 50, 605)
	// A commit that is already another one at first sight may still be the old topic's last; at the second it is believed.
	s = compute(lag.Policy{}, before, anew(5, 200, 2))
	total, err = ask(s, 5, "billing")
	wantUnknown(t, total, err, lag.ClassOffsetRange)
	s = lag.Compute(s, anew(10, 200, 2), nil)
	total, err = ask(s, 10, "billing")
	wantLag(t, total, err, 198, 10)
	// Without a commit there is nothing to doubt.
	s = compute(lag.Policy{}, before, anew(5, 200, lag.NoOffset))
	total, err = ask(s, 5, "billing")
	wantLag(t, total, err, 0, 5)
}

func TestRow7CreatedAnewAfterFailures(t *testing.T) {
	before := observe(0, topic("orders", id(1), log(0, 100)), billing(90))
	after := func(second int) *lag.Observation {
		return observe(second, topic("orders", id(2), log(0, 200)), billing(90))
	}
	for name, between := range map[string][]*lag.Observation{
		"metadata":             {observe(5, metadataFails(lag.ClassTimeout), listingFails(lag.ClassTimeout))},
		"topic":                {observe(5, topic("orders", topicFails(lag.ClassTimeout)), billing(90))},
		"group":                {observe(5, topic("orders", id(2), log(0, 200)), group("billing", commitsFail(lag.ClassTimeout)))},
		"commit of the row":    {observe(5, topic("orders", id(2), log(0, 200)), group("billing", commitsOf("orders", commitRow{Err: failed(lag.ClassOther)})))},
		"end of the row":       {observe(5, topic("orders", id(2), log(0, 200), endFails(lag.ClassTimeout)), billing(90))},
		"seen to be deleted":   {observe(5, topic("orders", topicFails(lag.ClassNotFound)), billing(90))},
		"deletion is believed": {observe(5, topic("orders", topicFails(lag.ClassNotFound)), billing(90)), observe(10, topic("orders", topicFails(lag.ClassNotFound)), billing(90))},
		"deletion, then the topic fails": {
			observe(5, topic("orders", topicFails(lag.ClassNotFound)), billing(90)), observe(10, topic("orders", topicFails(lag.ClassNotFound)), billing(90)),
			observe(15, topic("orders", topicFails(lag.ClassTimeout)), billing(90)),
		},
		"deletion, then error": {
			observe(5, topic("orders", topicFails(lag.ClassNotFound)), billing(90)), observe(10, topic("orders", topicFails(lag.ClassNotFound)), billing(90)),
			observe(15, topic("orders", id(2), log(0, 200), endFails(lag.ClassTimeout)), billing(90)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := compute(lag.Policy{}, append([]*lag.Observation{before}, between...)...)
			for _, second := range []int{20, 25} {
				s = lag.Compute(s, after(second), nil)
				total, err := ask(s, second, "billing")
				wantUnknown(t, total, err, lag.ClassOffsetRange)
			}
		})
	}
}

// Brokers before Metadata v10 give no ids, but a new topic's leader epochs begin anew.
func TestRow7CreatedAnewWithoutTopicIDs(t *testing.T) {
	s := compute(lag.Policy{},
		observe(0, topic("orders", id(0), log(0, 100), epoch(7)), billing(90)),
		observe(5, topic("orders", id(0), log(0, 200), epoch(0)), billing(90)))
	total, err := ask(s, 5, "billing")
	wantUnknown(t, total, err, lag.ClassOffsetRange)
	// With ids, an epoch that seems to go back says nothing: an older broker answered.
	s = compute(lag.Policy{},
		observe(0, topic("orders", id(1), log(0, 100), epoch(7)), billing(90)),
		observe(5, topic("orders", id(1), log(0, 200), epoch(-1)), billing(90)))
	total, err = ask(s, 5, "billing")
	wantLag(t, total, err, 110, 5)
}

func TestRow7Truncated(t *testing.T) {
	before := observe(0, topic("orders", log(0, 100)), billing(90))
	at := func(second int, end int64) *lag.Observation {
		return observe(second, topic("orders", log(0, end)), billing(90))
	}
	// The value before is of the records that were lost: it does not count any longer.
	s := compute(lag.Policy{}, before, at(1, 80))
	total, err := ask(s, 1, "billing")
	wantUnknown(t, total, err, lag.ClassOffsetRange)
	// A leader that did not know its high watermark for a moment has contradicted nobody.
	total, err = ask(lag.Compute(s, at(4, 95), nil), 4, "billing")
	wantLag(t, total, err, 5, 4)
	// But a log that was shorter for long has grown with other records.
	s = compute(lag.Policy{}, before, at(1, 80), at(4, 81), at(7, 95))
	total, err = ask(s, 7, "billing")
	wantUnknown(t, total, err, lag.ClassOffsetRange)
	total, err = ask(lag.Compute(s, observe(12, topic("orders", log(0, 95)), billing(85)), nil), 12, "billing")
	wantLag(t, total, err, 10, 12)
}

func TestRow7CommittedInALaterEpochThanTheLeaders(t *testing.T) {
	committed := func(epoch int32) part {
		return group("billing", commitsOf("orders", commitRow{Offset: 90, LeaderEpoch: epoch}))
	}
	s := compute(lag.Policy{}, observe(0, topic("orders", log(0, 100), epoch(5)), committed(6)))
	total, err := ask(s, 0, "billing")
	if unknown := wantUnknown(t, total, err, lag.ClassOffsetRange); !strings.Contains(unknown.Error(), "epoch 6") {
		t.Errorf("%v does not name the epoch", unknown)
	}
	for _, told := range []int32{5, -1} {
		s = compute(lag.Policy{}, observe(0, topic("orders", log(0, 100), epoch(told)), committed(min(5, told+6))))
		total, err = ask(s, 0, "billing")
		wantLag(t, total, err, 10, 0)
	}
}

func TestLostRecordsAreCounted(t *testing.T) {
	lost := func(s *lag.Snapshot) int64 { return s.Group("billing").Topics[0].Lost }
	poll := func(second int, start, end, commit int64) *lag.Observation {
		return observe(second, topic("orders", log(start, end)), billing(commit))
	}
	s := compute(lag.Policy{}, poll(0, 50, 100, 20))
	if lost(s) != 0 {
		t.Errorf("%d records count as lost before the group was first read", lost(s))
	}
	s = lag.Compute(s, poll(5, 70, 100, 20), nil)
	if lost(s) != 20 {
		t.Errorf("%d records lost, want those from 50 to 70", lost(s))
	}
	s = lag.Compute(s, poll(10, 80, 100, 75), nil)
	if lost(s) != 25 {
		t.Errorf("%d records lost, want those from 75 to 80 more", lost(s))
	}
	s = compute(lag.Policy{}, poll(0, 0, 100, 20), observe(5, topic("orders", log(50, 100)), group("billing", commitsFail(lag.ClassTimeout))), poll(10, 60, 100, 30))
	if lost(s) != 30 {
		t.Errorf("%d records lost over a failed reading, want those from 30 to 60", lost(s))
	}
	s = compute(lag.Policy{}, observe(0, topic("orders", id(1), log(0, 100)), billing(20)), observe(5, topic("orders", id(2), log(70, 100)), billing(20)), observe(10, topic("orders", id(2), log(70, 100)), billing(90)))
	if lost(s) != 0 {
		t.Errorf("%d records lost of a topic created anew", lost(s))
	}
}

func TestReadCommittedEndsAtTheLastStableOffset(t *testing.T) {
	policy := lag.Policy{ReadCommitted: true}
	stable := func(value int64) topicPart {
		return func(t *topicDraft, readAt time.Time) {
			t.logs[0].LastStable = lag.Offset{Value: value, ReadAt: readAt}
		}
	}
	orders := func(parts ...topicPart) part { return topic("orders", append([]topicPart{log(0, 100)}, parts...)...) }
	total, err := ask(compute(policy, observe(0, orders(stable(95)), billing(90))), 0, "billing")
	wantLag(t, total, err, 5, 0)
	total, err = ask(compute(lag.Policy{}, observe(0, orders(stable(95)), billing(90))), 0, "billing")
	wantLag(t, total, err, 10, 0)
	total, err = ask(compute(policy, observe(0, orders(), billing(90))), 0, "billing")
	wantUnknown(t, total, err, lag.ClassOther) // not the high watermark in its place
	total, err = ask(compute(policy, observe(0, orders(stable(80)), billing(90))), 0, "billing")
	if unknown := wantUnknown(t, total, err, lag.ClassOffsetRange); !strings.Contains(unknown.Error(), "as it is configured") {
		t.Errorf("%v does not say that the configuration is wrong", unknown)
	}
}

func TestUnsubscribedTopicsCountUnlessIgnored(t *testing.T) {
	both := []part{topic("orders", log(0, 100)), topic("left", log(0, 50))}
	billing := func(parts ...groupPart) part {
		return group("billing", append([]groupPart{commits("orders", 90), commits("left", 10)}, parts...)...)
	}
	ignore := lag.Policy{IgnoreUnsubscribed: true}
	for name, tc := range map[string]struct {
		policy lag.Policy
		group  part
		want   int64
	}{
		"by default":             {lag.Policy{}, billing(subscribes("orders")), 50},
		"ignored":                {ignore, billing(subscribes("orders")), 10},
		"assigned by hand":       {ignore, billing(assigned("orders", 0)), 10},
		"nobody tells":           {ignore, billing(), 50},
		"members without topics": {ignore, billing(subscribes()), 50},
		"members are not known":  {ignore, billing(membersFail(lag.ClassTimeout)), 50},
		"a pattern tells no topics": {ignore, billing(subscribes("orders"), func(g *lag.GroupObservation) {
			g.Type, g.Members = lag.GroupConsumer, append(g.Members, lag.Member{Pattern: "le.*"})
		}), 50},
		"several, one topic each": {ignore, billing(subscribes("orders"), subscribes("left")), 50},
	} {
		t.Run(name, func(t *testing.T) {
			total, err := ask(compute(tc.policy, observe(0, append(both, tc.group)...)), 0, "billing")
			wantLag(t, total, err, tc.want, 0)
		})
	}
	// A rebalance, in which members tell nothing, does not bring the topic back.
	s := compute(ignore, observe(0, append(both, billing(subscribes("orders")))...), observe(5, append(both, billing(subscribes(), state("PreparingRebalance")))...))
	total, err := ask(s, 5, "billing")
	wantLag(t, total, err, 10, 5)
}

func TestRow10ShareGroups(t *testing.T) {
	share := func(rows ...commitRow) part {
		return group("workers", commitsOf("orders", rows...), subscribes("orders"), func(g *lag.GroupObservation) { g.Type = lag.GroupShare })
	}
	orders := topic("orders", log(10, 100), log(0, 7))
	row := func(partition int32, start, brokerLag int64) commitRow {
		return commitRow{Partition: partition, Offset: start, BrokerLag: brokerLag, LeaderEpoch: -1}
	}
	for name, tc := range map[string]struct {
		policy lag.Policy
		rows   []commitRow
		want   int64
	}{
		"the broker's own lag, not end - start":                          {lag.Policy{}, []commitRow{row(0, 50, 3), row(1, 0, 0)}, 3},
		"a broker that gives no lag: end - start":                        {lag.Policy{}, []commitRow{row(0, 50, -1), row(1, 7, 0)}, 50},
		"a broker that still counts deleted records":                     {lag.Policy{}, []commitRow{row(0, 0, 95), row(1, 7, 0)}, 90},
		"a start behind the log's":                                       {lag.Policy{}, []commitRow{row(0, 5, -1), row(1, 7, 0)}, 90},
		"never initialised, as the group is reset to latest":             {lag.Policy{}, []commitRow{row(0, 50, 3), row(1, -1, -1)}, 3},
		"never initialised, as the group is reset to earliest":           {earliest(), []commitRow{row(0, 50, 3), row(1, -1, -1)}, 10},
		"not even mentioned, as the group is reset to earliest":          {earliest(), []commitRow{row(0, 50, 3)}, 10},
		"read_committed is nothing that a share group has on the client": {lag.Policy{ReadCommitted: true}, []commitRow{row(0, 50, -1), row(1, 7, 0)}, 50},
	} {
		t.Run(name, func(t *testing.T) {
			total, err := ask(compute(tc.policy, observe(0, orders, share(tc.rows...))), 0, "workers")
			wantLag(t, total, err, tc.want, 0)
		})
	}
	// Before the first acknowledgement, what came since the group was first seen counts.
	s := compute(lag.Policy{}, observe(0, orders, share(row(0, -1, -1))), observe(5, topic("orders", log(10, 120), log(0, 7)), share(row(0, -1, -1))),
		observe(10, topic("orders", log(10, 125), log(0, 9)), share(row(0, -1, -1))))
	total, err := ask(s, 10, "workers")
	wantLag(t, total, err, 27, 10)
	total, err = ask(lag.Compute(s, observe(15, topic("orders", log(10, 125), log(0, 9)), share(row(0, 124, 1), row(1, 9, 0))), nil), 15, "workers")
	wantLag(t, total, err, 1, 15)
	for _, bad := range []commitRow{row(0, 50, -2), row(0, 50, 1<<53+1), row(0, 101, -1), row(0, 101, 3), row(0, -2, 3)} {
		total, err := ask(compute(lag.Policy{}, observe(0, orders, share(bad))), 0, "workers")
		wantUnknown(t, total, err, lag.ClassOf(err))
	}
}
