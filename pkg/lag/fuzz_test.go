package lag_test

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// FuzzCompute turns bytes into a sequence of hostile observations: any offsets, any numbers of partitions, twice or negative
// ones, times out of order, everything failed or half filled in. Only the order of lists is kept, as Observation promises it.
func FuzzCompute(f *testing.F) {
	f.Add([]byte{})
	f.Add(slices.Repeat([]byte{0}, 64))
	f.Add(slices.Repeat([]byte{1}, 200))
	f.Add(slices.Repeat([]byte{255}, 200))
	f.Add(slices.Repeat([]byte{2, 1, 3, 0}, 100))
	f.Add([]byte("\x01\x03\x00\x00\x01\x01\x01\x02\x02\x03\x01\x01\x02\x01\x00\x02\x01\x02\x03\x00\x01\x01\x05\x02\x01\x01\x01\x09\x01\x01\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := hostile{data}
		policy := lag.Policy{OffsetReset: lag.OffsetReset(b.below(3))}
		var s *lag.Snapshot
		for second := 0; second < 30 && len(b.data) > 0; second += 5 {
			o := b.observation(second)
			before := dump(o)
			s = lag.Compute(s, o, everyone(policy))
			if dump(o) != before {
				t.Fatal("the observation was changed")
			}
			checkSnapshot(t, s, second)
			for _, later := range []int{0, 30, 61, 1000} {
				total, err := sumOver(s, second+later, nil)
				if total.Lag < 0 || total.Lag > 1<<53 || total.Members < 0 || err != nil && total != (lag.Total{}) {
					t.Fatalf("%+v, %v", total, err)
				}
			}
		}
	})
}

// hostile reads values from bytes; where there are no more, zeros.
type hostile struct{ data []byte }

func (b *hostile) below(n int) int {
	if len(b.data) == 0 {
		return 0
	}
	v := int(b.data[0]) % n
	b.data = b.data[1:]
	return v
}

func (b *hostile) offset() int64 {
	switch b.below(8) {
	case 0:
		return int64(b.below(4))
	case 1:
		return -int64(b.below(4))
	case 2:
		return math.MaxInt64 - int64(b.below(3))
	case 3:
		return math.MinInt64 + int64(b.below(3))
	case 4:
		return 1<<53 + int64(b.below(3)) - 1
	case 5:
		var raw [8]byte
		b.data = b.data[copy(raw[:], b.data):]
		return int64(binary.LittleEndian.Uint64(raw[:]))
	default:
		return 100 + int64(b.below(100))
	}
}

func (b *hostile) time(second int) time.Time {
	switch b.below(8) {
	case 0:
		return time.Time{}
	case 1:
		return at(second - 3)
	case 2:
		return at(second + 1)
	default:
		return at(second)
	}
}

func (b *hostile) err() error {
	if classes := lag.Classes(); b.below(4) == 1 {
		return failed(classes[b.below(len(classes))])
	}
	return nil
}

func (b *hostile) read(second int) lag.Offset {
	return lag.Offset{Value: b.offset(), ReadAt: b.time(second), Err: b.err()}
}

// numbers returns sorted numbers of partitions; some are negative, some come twice.
func (b *hostile) numbers() []int32 {
	numbers := make([]int32, b.below(6))
	for i := range numbers {
		numbers[i] = int32(b.below(7)) - 1
	}
	slices.Sort(numbers)
	return numbers
}

// epochEnds returns ends of epochs in their order; some come twice.
func (b *hostile) epochEnds() (ends []lag.EpochEnd) {
	for _, n := range b.numbers() {
		ends = append(ends, lag.EpochEnd{Partition: n, Epoch: int32(b.below(2)), LeaderEpoch: int32(b.below(2)), End: b.offset(), Err: b.err()})
	}
	slices.SortStableFunc(ends, func(a, b lag.EpochEnd) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Epoch, b.Epoch))
	})
	return ends
}

func (b *hostile) observation(second int) *lag.Observation {
	o := &lag.Observation{StartedAt: at(second), ListingErr: b.err(), MetadataErr: b.err(), MetadataReadAt: b.time(second)}
	for _, name := range topicNames() {
		if b.below(5) == 4 {
			continue
		}
		t := lag.Topic{Name: name, ID: [16]byte{byte(b.below(2))}, Err: b.err()}
		var logs []logRow
		for _, n := range b.numbers() {
			logs = append(logs, logRow{Partition: n, Start: b.read(second), End: b.read(second)})
		}
		setLogs(&t, logs)
		t.EpochEnds = b.epochEnds()
		o.Topics = append(o.Topics, t)
	}
	for _, name := range groupNames() {
		if b.below(5) != 4 {
			o.Groups = append(o.Groups, b.group(name, second))
		}
	}
	return o
}

func (b *hostile) group(name string, second int) lag.GroupObservation {
	// Commits of an older time than those before would be a reader's mistake, not a broker's.
	g := lag.GroupObservation{Name: name, MembersErr: b.err(), MembersReadAt: b.time(second), CommitsErr: b.err(), CommitsReadAt: at(second)}
	g.Type = []lag.GroupType{lag.GroupClassic, lag.GroupConsumer, lag.GroupShare, "?"}[b.below(4)]
	g.State = []string{"Stable", "PreparingRebalance", "Empty", ""}[b.below(4)]
	for _, topic := range slices.Sorted(slices.Values([]string{b.topic(), b.topic(), b.topic()}[:b.below(4)])) {
		var rows []commitRow
		for _, n := range b.numbers() {
			rows = append(rows, commitRow{Partition: n, Offset: b.offset(), Err: b.err()})
		}
		g.Commits = append(g.Commits, topicCommits(topic, rows...))
	}
	for range b.below(3) {
		m := lag.Member{Assigned: []lag.TopicPartitions{{Topic: b.topic(), Partitions: b.numbers()}}}
		if b.below(2) == 1 {
			m.Subscribed = []string{b.topic(), b.topic()}
		}
		g.Members = append(g.Members, m)
	}
	return g
}

func (b *hostile) topic() string {
	return []string{"a", "b", "c", "nowhere", ""}[b.below(5)]
}
