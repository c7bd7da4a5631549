package lag_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// ends tells where an earlier epoch of the partition added last ends, as its leader told in the epoch that it has.
func ends(epoch int32, end int64) topicPart { return tells(lag.EpochEnd{Epoch: epoch, End: end}) }

func endUnknown(epoch int32, class lag.Class) topicPart {
	return tells(lag.EpochEnd{Epoch: epoch, Err: failed(class)})
}

func tells(e lag.EpochEnd) topicPart {
	return func(t *topicDraft, _ time.Time) {
		p := t.logs[len(t.logs)-1]
		e.Partition, e.LeaderEpoch = p.Partition, p.LeaderEpoch
		t.EpochEnds = append(t.EpochEnds, e)
	}
}

// committedIn commits one offset on partition 0 of orders.
func committedIn(epoch int32, offset int64) part {
	return group("billing", commitsOf("orders", commitRow{Offset: offset, LeaderEpoch: epoch}))
}

// billingLag is what follows from the observations for billing.
func billingLag(second int, observations ...*lag.Observation) (lag.Total, error) {
	return ask(compute(lag.Policy{}, observations...), second, "billing")
}

func TestRow7TruncatedAndGrownAgain(t *testing.T) {
	before := observe(0, topic("orders", log(0, 100), epoch(5)), committedIn(5, 90))
	after := func(second int, end int64, group part) *lag.Observation {
		return observe(second, topic("orders", log(0, end), epoch(7), ends(5, 80)), group)
	}
	seen := []*lag.Observation{before}
	for second := 5; second <= 60; second += 5 {
		seen = append(seen, after(second, 200, committedIn(5, 90)))
		total, err := billingLag(second, seen...)
		unknown := wantUnknown(t, total, err, lag.ClassOffsetRange)
		if !strings.Contains(unknown.Error(), "beyond 80, where its leader epoch 5 ends") && second == 5 || !strings.Contains(unknown.Error(), "must commit again") {
			t.Errorf("second %d: %v does not say what is wrong and what to do", second, unknown)
		}
	}
	for name, again := range map[string]part{
		"another offset":            committedIn(7, 150),
		"the same in its new epoch": committedIn(7, 90),
		"without an epoch":          committedIn(-1, 90),
	} {
		t.Run(name, func(t *testing.T) {
			commit := again
			total, err := billingLag(65, append(seen, after(65, 200, commit))...)
			if err != nil {
				t.Fatal(err)
			}
			if want := 200 - compute(lag.Policy{}, after(65, 200, commit)).Group("billing").Topics[0].Partitions[0].Committed; total.Lag != want {
				t.Errorf("%d, want %d", total.Lag, want)
			}
		})
	}
}

func TestRow7CommitsOfEarlierEpochs(t *testing.T) {
	before := observe(0, topic("orders", log(0, 100), epoch(5)), committedIn(5, 90))
	for name, tc := range map[string]struct {
		told  []topicPart
		lag   int64
		class lag.Class
		stale bool // the value before is served
	}{
		"nothing was lost":                    {told: []topicPart{ends(5, 100)}, lag: 110},
		"all up to the commit is there":       {told: []topicPart{ends(5, 90)}, lag: 110},
		"the last record read is gone":        {told: []topicPart{ends(5, 89)}, class: lag.ClassOffsetRange},
		"the leader does not know the epoch":  {told: []topicPart{ends(5, lag.NoOffset)}, class: lag.ClassOffsetRange},
		"the leader could not be asked":       {told: []topicPart{endUnknown(5, lag.ClassTimeout)}, lag: 10, stale: true},
		"the leader was not asked":            {lag: 10, stale: true},
		"the leader was asked for another":    {told: []topicPart{ends(4, 100), ends(6, 100)}, lag: 10, stale: true},
		"the leader is too old to be asked":   {told: []topicPart{endUnknown(5, lag.ClassUnsupported)}, lag: 110},
		"the answer is of the leader before":  {told: []topicPart{ends(5, 100), epoch(8)}, lag: 10, stale: true},
		"the leader's epoch is not known now": {told: []topicPart{epoch(-1)}, lag: 110},
	} {
		t.Run(name, func(t *testing.T) {
			parts := append([]topicPart{log(0, 200), epoch(7)}, tc.told...)
			total, err := billingLag(5, before, observe(5, topic("orders", parts...), committedIn(5, 90)))
			switch {
			case tc.class != "":
				wantUnknown(t, total, err, tc.class)
			case tc.stale:
				wantLag(t, total, err, tc.lag, 0)
			default:
				wantLag(t, total, err, tc.lag, 5)
			}
			if total, err := billingLag(5, observe(5, topic("orders", parts...), committedIn(5, 90))); (tc.stale || tc.class != "") != (err != nil) {
				t.Errorf("without a reading before: %+v, %v", total, err)
			}
		})
	}
}

// The answer holds as long as the leader's epoch does, and is asked for once. One that could not be had hides none that was.
func TestEndsOfEpochsAreKept(t *testing.T) {
	orders := func(parts ...topicPart) part {
		return topic("orders", append([]topicPart{log(0, 100), epoch(7)}, parts...)...)
	}
	both := observe(0, orders(ends(4, 95), ends(5, 96)), committedIn(5, 90))
	kept := func(observations ...*lag.Observation) (known []int32) {
		for _, e := range compute(lag.Policy{}, append([]*lag.Observation{both}, observations...)...).Topic("orders").EpochEnds {
			if e.Err == nil {
				known = append(known, e.Epoch)
			}
		}
		return known
	}
	for name, tc := range map[string]struct {
		next *lag.Observation
		want []int32
	}{
		"single groups":               {observe(5, partial, orders(), committedIn(5, 90)), []int32{4, 5}},
		"single groups, another end":  {observe(5, partial, orders(ends(6, 97)), committedIn(5, 90)), []int32{4, 5, 6}},
		"only what is needed still":   {observe(5, orders(ends(5, 96)), committedIn(5, 90)), []int32{5}},
		"asked again, and it failed":  {observe(5, orders(endUnknown(5, lag.ClassTimeout)), committedIn(5, 90)), []int32{5}},
		"another leader":              {observe(5, partial, topic("orders", log(0, 100), epoch(8)), committedIn(5, 90)), nil},
		"the topic was created anew":  {observe(5, partial, topic("orders", id(2), log(0, 100), epoch(7)), committedIn(5, 90)), nil},
		"the topic could not be read": {observe(5, topic("orders", topicFails(lag.ClassTimeout)), committedIn(5, 90)), []int32{4, 5}},
		"no metadata":                 {observe(5, metadataFails(lag.ClassTimeout)), []int32{4, 5}},
	} {
		if got := kept(tc.next); fmt.Sprint(got) != fmt.Sprint(tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// A truncation is one group's and one partition's matter.
func TestRow7TruncationHidesNothingElse(t *testing.T) {
	s := compute(lag.Policy{}, observe(0,
		topic("orders", log(0, 100), epoch(7), endUnknown(5, lag.ClassTimeout), log(0, 100), epoch(7), ends(5, 20)),
		group("billing", commitsOf("orders", commitRow{Offset: 90, LeaderEpoch: 5}, commitRow{Partition: 1, Offset: 20, LeaderEpoch: 5})),
		group("other", commitsOf("orders", commitRow{Offset: 60, LeaderEpoch: 7}, commitRow{Partition: 1, Offset: 30, LeaderEpoch: -1}))))
	total, err := ask(s, 0, "billing", onPartitions(1))
	wantLag(t, total, err, 80, 0)
	total, err = ask(s, 0, "other")
	wantLag(t, total, err, 40+70, 0)
	total, err = ask(s, 0, "billing")
	wantUnknown(t, total, err, lag.ClassTimeout)
}

// The last stable offset alone does not tell in which epoch the leader is.
func TestReadCommittedNeedsTheLeadersEpoch(t *testing.T) {
	stable := func(t *topicDraft, readAt time.Time) {
		t.logs[0].LastStable = lag.Offset{Value: 95, ReadAt: readAt}
	}
	s := compute(lag.Policy{ReadCommitted: true},
		observe(0, topic("orders", log(0, 100), epoch(5), stable), committedIn(5, 90)),
		observe(5, topic("orders", log(0, 100), stable, endFails(lag.ClassTimeout)), committedIn(5, 90)))
	total, err := ask(s, 5, "billing")
	wantLag(t, total, err, 5, 0)
}

// Whatever becomes of a log: the lag of a commit is known if and only if the record before it is the one that was read.
func TestTruncationIsSeenIffItHappened(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &epochLog{}
		l.elect()
		var s *lag.Snapshot
		lost := false // since the commit was made, as far as it was observed
		for second := 0; second < 60; second += 5 {
			for range rapid.IntRange(0, 3).Draw(t, "events") {
				switch rapid.SampledFrom([]string{"append", "elect", "truncate", "commit"}).Draw(t, "event") {
				case "append":
					l.grow(rapid.IntRange(1, 20).Draw(t, "records"))
				case "elect":
					l.elect()
				case "truncate":
					l.truncate(rapid.IntRange(0, 20).Draw(t, "lost"))
				case "commit":
					if len(l.records) > 0 {
						l.commit(rapid.IntRange(1, len(l.records)).Draw(t, "read"))
						lost = false
					}
				}
			}
			lost = lost || !l.intact()
			s = lag.Compute(s, l.observe(second), nil)
			orders := &s.Group("billing").Topics[0]
			row := &orders.Partitions[0]
			if known := orders.RowErr(row) == nil; known == lost || known && row.Lag != int64(len(l.records))-l.committed.Offset {
				t.Fatalf("second %d: %+v %v, and the commit %+v is lost: %v", second, row, orders.RowErr(row), l.committed, lost)
			}
		}
	})
}

// epochLog is a partition's log, and one group's commit on it, as Kafka keeps them.
type epochLog struct {
	next      int   // the number of the next record that is ever written
	records   []int // their numbers
	epochs    []epochStart
	epoch     int32
	committed commitRow
	lastRead  int // the number of the record before the commit
}

type epochStart struct {
	epoch int32
	start int64
}

func (l *epochLog) grow(n int) {
	for range n {
		l.records = append(l.records, l.next)
		l.next++
	}
}

// elect makes another replica the leader.
func (l *epochLog) elect() {
	l.epoch++
	l.epochs = append(l.epochs, epochStart{l.epoch, int64(len(l.records))})
}

// truncate makes a replica the leader that lacks the last n records.
func (l *epochLog) truncate(n int) {
	l.records = l.records[:max(0, len(l.records)-n)]
	for len(l.epochs) > 0 && l.epochs[len(l.epochs)-1].start >= int64(len(l.records)) {
		l.epochs = l.epochs[:len(l.epochs)-1]
	}
	l.elect()
}

func (l *epochLog) commit(offset int) {
	l.committed, l.lastRead = commitRow{Offset: int64(offset)}, l.records[offset-1]
	for _, e := range l.epochs {
		if e.start < l.committed.Offset {
			l.committed.LeaderEpoch = e.epoch
		}
	}
}

func (l *epochLog) intact() bool {
	n := l.committed.Offset
	return n == 0 || n <= int64(len(l.records)) && l.records[n-1] == l.lastRead
}

// end answers OffsetForLeaderEpoch.
func (l *epochLog) end(epoch int32) int64 {
	for _, e := range l.epochs {
		if e.epoch > epoch {
			return e.start
		}
	}
	return lag.NoOffset
}

func (l *epochLog) observe(second int) *lag.Observation {
	parts := []topicPart{log(0, int64(len(l.records))), epoch(l.epoch)}
	if l.committed.LeaderEpoch < l.epoch {
		parts = append(parts, ends(l.committed.LeaderEpoch, l.end(l.committed.LeaderEpoch)))
	}
	return observe(second, topic("orders", parts...), group("billing", commitsOf("orders", l.committed)))
}
