package lag_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// TestLagOfOnePartition is the arithmetic: end − max(commit, start), or why not. The topic has one partition.
func TestLagOfOnePartition(t *testing.T) {
	const none = lag.NoOffset
	early := edit(func(p *logRow) { p.End.ReadAt = at(9).Add(999 * time.Millisecond) })
	same := edit(func(p *logRow) { p.End.ReadAt = at(10) })
	unread := edit(func(p *logRow) { p.Start, p.End = lag.Offset{}, lag.Offset{} })
	for _, tc := range []struct {
		name   string
		commit int64
		log    []topicPart
		reset  lag.OffsetReset
		want   int64
		class  lag.Class // of the reason, where the lag is unknown
	}{
		{name: "behind", commit: 90, log: []topicPart{log(0, 100)}, want: 10},
		{name: "caught up", commit: 100, log: []topicPart{log(0, 100)}, want: 0},
		{name: "empty log", commit: 0, log: []topicPart{log(0, 0)}, want: 0},
		{name: "retention passed the commit", commit: 5, log: []topicPart{log(40, 100)}, want: 60},
		{name: "retention emptied the log", commit: 5, log: []topicPart{log(100, 100)}, want: 0},
		{name: "commit at the log start", commit: 40, log: []topicPart{log(40, 100)}, want: 60},
		{name: "no commit, latest", commit: none, log: []topicPart{log(40, 100)}, want: 0},
		{name: "no commit, earliest", commit: none, log: []topicPart{log(40, 100)}, reset: lag.ResetEarliest, want: 60},
		{name: "no commit, latest, start unknown", commit: none, log: []topicPart{log(0, 100), startFails(lag.ClassTimeout)}, want: 0},
		{name: "no commit, latest, end unknown", commit: none, log: []topicPart{log(0, 100), endFails(lag.ClassLeadership)}, class: lag.ClassLeadership},
		{name: "commit beyond the end", commit: 101, log: []topicPart{log(0, 100)}, class: lag.ClassOffsetRange},
		{name: "start beyond the end", commit: 5, log: []topicPart{log(101, 100)}, class: lag.ClassOffsetRange},
		{name: "end read before the commit", commit: 90, log: []topicPart{log(0, 100), early}, class: lag.ClassProtocol},
		{name: "end read at the moment of the commit", commit: 90, log: []topicPart{log(0, 100), same}, want: 10},
		{name: "end unreadable", commit: 90, log: []topicPart{log(0, 100), endFails(lag.ClassTimeout)}, class: lag.ClassTimeout},
		{name: "start never read", commit: 90, log: []topicPart{log(0, 100), startFails(lag.ClassTimeout)}, class: lag.ClassTimeout},
		{name: "no commit, earliest, start never read", commit: none, log: []topicPart{log(0, 100), startFails(lag.ClassTimeout)}, reset: lag.ResetEarliest, class: lag.ClassTimeout},
		{name: "offsets never asked for", commit: 90, log: []topicPart{log(0, 100), unread}, class: lag.ClassOther},
		{name: "row 23: negative end", commit: 0, log: []topicPart{log(0, -1)}, class: lag.ClassProtocol},
		{name: "row 23: negative start", commit: 90, log: []topicPart{log(-2, 100)}, class: lag.ClassProtocol},
		{name: "row 23: negative commit", commit: -2, log: []topicPart{log(0, 100)}, class: lag.ClassProtocol},
		{name: "row 23: smallest commit", commit: math.MinInt64, log: []topicPart{log(0, math.MaxInt64)}, class: lag.ClassProtocol},
		{name: "row 25: 2^53", commit: 0, log: []topicPart{log(0, 1<<53)}, want: 1 << 53},
		{name: "row 25: 2^53+1", commit: 0, log: []topicPart{log(0, 1<<53+1)}, class: lag.ClassProtocol},
		{name: "row 25: largest offset", commit: 0, log: []topicPart{log(0, math.MaxInt64)}, class: lag.ClassProtocol},
		{name: "large offsets, small lag", commit: math.MaxInt64 - 3, log: []topicPart{log(0, math.MaxInt64)}, want: 3},
		{name: "no such partition", commit: 90, class: lag.ClassOffsetRange},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := compute(lag.Policy{OffsetReset: tc.reset}, observe(10, topic("orders", tc.log...), group("billing", commits("orders", tc.commit))))
			total, err := ask(s, 11, "billing")
			billing := &s.Group("billing").Topics[0]
			row := &billing.Partitions[0]
			if tc.class != "" {
				wantUnknown(t, total, err, tc.class)
				if billing.RowErr(row) == nil || billing.RowKnown(row, at(11), maxAge) || billing.Err == nil {
					t.Errorf("row %+v: is not said to be unknown", row)
				}
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("%q is more than one line", err)
				}
				return
			}
			wantLag(t, total, err, tc.want, 10)
			if billing.RowErr(row) != nil || row.Lag != tc.want || row.Committed != tc.commit || !billing.RowReadAt(row).Equal(at(10)) {
				t.Errorf("row %+v", row)
			}
		})
	}
}

func TestRow23DuplicateAnswersAreNotBelieved(t *testing.T) {
	twice := edit(func(p *logRow) { p.Partition = 0 })
	for name, o := range map[string]*lag.Observation{
		"commits": observe(10, topic("orders", log(0, 100)), group("billing",
			commitsOf("orders", commitRow{Partition: 0, Offset: 90}, commitRow{Partition: 0, Offset: 95}))),
		"topics of commits": observe(10, topic("orders", log(0, 100), log(0, 100)), group("billing",
			commits("orders", 90), commitsOf("orders", commitRow{Partition: 1, Offset: 10}))),
		"partitions": observe(10, topic("orders", log(0, 100), log(0, 5000), twice), group("billing", commits("orders", 90))),
	} {
		t.Run(name, func(t *testing.T) {
			s := compute(lag.Policy{}, o)
			total, err := ask(s, 10, "billing")
			wantUnknown(t, total, err, lag.ClassProtocol)
		})
	}
}

func TestRow23TopicAnsweredTwiceMayHoldAnyPartition(t *testing.T) {
	s := compute(lag.Policy{}, observe(10, topic("orders", log(0, 100), log(0, 100)), group("billing",
		commits("orders", 90), commitsOf("orders", commitRow{Partition: 1, Offset: 10}))))
	total, err := ask(s, 10, "billing", onPartitions(1))
	wantUnknown(t, total, err, lag.ClassProtocol)
}

func TestPartitionsOfAGroup(t *testing.T) {
	three := topic("orders", log(0, 10), log(0, 20), log(0, 30))
	other := topic("refunds", log(0, 5))
	for _, tc := range []struct {
		name     string
		parts    []groupPart
		want     string // rows, as topic/partition
		latest   int64
		earliest int64
	}{
		{"committed only", []groupPart{commits("orders", 9)}, "orders/0", 1, 1},
		{"assigned only", []groupPart{assigned("orders", 2)}, "orders/2", 0, 30},
		{"subscribed only", []groupPart{subscribes("orders")}, "orders/0 orders/1 orders/2", 0, 60},
		{"committed and assigned", []groupPart{commits("orders", 9), assigned("orders", 1, 0)}, "orders/0 orders/1", 1, 21},
		{"assigned to two at once", []groupPart{assigned("orders", 1), assigned("orders", 1)}, "orders/1", 0, 20},
		{"committed and subscribed", []groupPart{commits("orders", 9), subscribes("orders")}, "orders/0 orders/1 orders/2", 1, 51},
		{"a topic that the group left", []groupPart{commits("orders", 9), subscribes("refunds")}, "orders/0 refunds/0", 1, 6},
		{"members of several minds", []groupPart{subscribes("orders"), subscribes("refunds", "orders"), assigned("refunds", 0)},
			"orders/0 orders/1 orders/2 refunds/0", 0, 65},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for reset, want := range map[lag.OffsetReset]int64{lag.ResetLatest: tc.latest, lag.ResetEarliest: tc.earliest} {
				s := compute(lag.Policy{OffsetReset: reset}, observe(10, three, other, group("billing", tc.parts...)))
				total, err := ask(s, 10, "billing")
				wantLag(t, total, err, want, 10)
				if got := rowsOf(s.Group("billing")); got != tc.want {
					t.Errorf("rows %s, want %s", got, tc.want)
				}
				if n := strings.Count(tc.want, "/"); total.Partitions != int64(n) {
					t.Errorf("%d partitions, want %d", total.Partitions, n)
				}
			}
		})
	}
}

func TestNothingMentionedIsNothingUnknown(t *testing.T) {
	s := compute(earliest(), observe(10, topic("orders", log(0, 10)),
		group("billing", commits("orders", 9), assigned("nowhere"), commitsOf("nowhere either"))))
	total, err := ask(s, 10, "billing")
	wantLag(t, total, err, 1, 10)
}

func TestMetadataOfTheGroupIsKept(t *testing.T) {
	g := compute(lag.Policy{}, observe(10, group("billing", state("Empty"), func(g *lag.GroupObservation) {
		g.Type, g.ProtocolType, g.Coordinator = lag.GroupConsumer, "connect", 3
	}))).Group("billing")
	if g.Type != lag.GroupConsumer || g.ProtocolType != "connect" || g.State != "Empty" || g.Coordinator != 3 {
		t.Errorf("%+v", g)
	}
}

func rowsOf(g *lag.Group) string {
	var rows []string
	for i := range g.Topics {
		for _, p := range g.Topics[i].Partitions {
			rows = append(rows, g.Topics[i].Topic+"/"+strconv.Itoa(int(p.Partition)))
		}
	}
	slices.Sort(rows)
	return strings.Join(rows, " ")
}
