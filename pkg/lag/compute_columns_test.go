package lag_test

import (
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// These are cases in which one partition differs from its topic's others, or one reading from the one before, so that offsets cannot
// be taken as they are.

func TestStartThatWasNeverReadStaysUnknown(t *testing.T) {
	var s *lag.Snapshot
	for second := 0; second <= 15; second += 5 {
		s = lag.Compute(s, observe(second, topic("orders", log(0, 100), log(0, 50), startFails(lag.ClassTimeout)),
			group("billing", commits("orders", 90, 40))), nil)
		total, err := ask(s, second, "billing")
		wantUnknown(t, total, err, lag.ClassTimeout)
		total, err = ask(s, second, "billing", onPartitions(0))
		wantLag(t, total, err, 10, second)
	}
}

func TestOffsetsStayWithTheirPartitions(t *testing.T) {
	notAsked := edit(func(p *logRow) { p.Start = lag.Offset{} })
	numbered := func(n int32) topicPart { return edit(func(p *logRow) { p.Partition = n }) }
	for name, after := range map[string][]topicPart{
		"one is added behind":      {log(0, 100), notAsked, log(0, 60), notAsked, log(0, 70), notAsked},
		"one in the middle is new": {log(0, 100), notAsked, log(0, 60), notAsked, numbered(1), log(0, 70), notAsked, numbered(2)},
	} {
		before := []topicPart{log(10, 90), log(20, 50), numbered(2)}
		if name == "one is added behind" {
			before = []topicPart{log(10, 90), log(20, 50)}
		}
		s := compute(lag.Policy{}, observe(0, topic("orders", before...)), observe(5, topic("orders", after...)))
		for _, p := range logsOf(s.Topic("orders")) {
			want := map[int32]int64{0: 10, 1: 20}
			if name != "one is added behind" {
				want = map[int32]int64{0: 10, 2: 20}
			}
			start, known := want[p.Partition]
			if p.Start.ReadAt.IsZero() == known || p.Start.Value != start {
				t.Errorf("%s: partition %d starts at %+v, want %d %t", name, p.Partition, p.Start, start, known)
			}
		}
	}
}

// A collection that fails as a whole says nothing about what was read since it began.
func TestFailureLeavesWhatWasReadSince(t *testing.T) {
	earlier := edit(func(p *logRow) { p.End.ReadAt = at(3) })
	for name, tc := range map[string]struct {
		read   *lag.Observation
		failed [2]bool // whether the ends of partitions 0 and 1 are then marked as failed
	}{
		"before":               {observe(0, topic("orders", log(0, 100), log(0, 50))), [2]bool{true, true}},
		"before, at two times": {observe(0, topic("orders", log(0, 100), log(0, 50), earlier)), [2]bool{true, true}},
		"since":                {observe(7, topic("orders", log(0, 100), log(0, 50))), [2]bool{false, false}},
		"one of two since":     {observe(7, topic("orders", log(0, 100), log(0, 50), earlier)), [2]bool{false, true}},
	} {
		tc.read.Partial = tc.read.StartedAt.Equal(at(7))
		s := compute(lag.Policy{}, tc.read, observe(5, metadataFails(lag.ClassTimeout)))
		for i, p := range logsOf(s.Topic("orders")) {
			if (p.End.Err != nil) != tc.failed[i] {
				t.Errorf("%s: end of partition %d: %v", name, i, p.End.Err)
			}
		}
	}
}
