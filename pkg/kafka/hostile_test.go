package kafka_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// Row 23 of the fault catalogue: what a broker sends may be anything. In these tests, broker 2 of three sends what no broker
// should, in answer to one kind of request. The cluster's shape is the truth.
//
// What cannot be told from an honest answer is not held against the reader: if a broker says 7 where 8 is true, 7 it is. So what is
// broken here is the structure, or a value is sent that cannot be, or two that contradict each other.

const (
	hostile     = 2 // the broker that misbehaves
	readTimeout = 30 * time.Second
)

func hostileShape() fakekafka.Shape {
	return fakekafka.Shape{Brokers: 3, Groups: 36, PartitionsPerGroup: 6, GroupsPerTopic: 4, MembersPerGroup: 2, Seed: 23,
		Types: []string{fakekafka.Classic, fakekafka.Consumer, fakekafka.Share, fakekafka.Streams}}
}

// hostileKeys are the requests that a collection makes.
func hostileKeys() []kmsg.Key {
	return []kmsg.Key{kmsg.ApiVersions, kmsg.Metadata, kmsg.ListGroups, kmsg.DescribeGroups, kmsg.ConsumerGroupDescribe, kmsg.ShareGroupDescribe,
		kmsg.StreamsGroupDescribe, kmsg.OffsetFetch, kmsg.DescribeShareGroupOffsets, kmsg.ListOffsets}
}

// trial is a fake cluster of which a healthy snapshot exists, taken before the offsets moved once.
type trial struct {
	cluster  *fakekafka.Cluster
	shape    fakekafka.Shape
	healthy  *lag.Snapshot
	versions map[kmsg.Key]int16 // that the reader asks with
	timeout  time.Duration      // of a collection
	options  []kgo.Opt          // of the readers
}

func newTrial(t testing.TB) *trial {
	t.Helper()
	cluster, err := fakekafka.New(hostileShape())
	if err != nil {
		t.Fatal(err)
	}
	return newTrialOf(t, cluster)
}

func newTrialOf(t testing.TB, cluster *fakekafka.Cluster, options ...kgo.Opt) *trial {
	t.Helper()
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &trial{cluster: cluster, shape: cluster.Shape(), versions: map[kmsg.Key]int16{}, timeout: readTimeout, options: options}
	cluster.Record()
	h.healthy = lag.Compute(nil, h.read(t, h.full), nil)
	for _, r := range cluster.Recorded() {
		h.versions[r.Key] = r.Version
	}
	h.checkTruth(t, h.healthy, h.healthy.TakenAt.Add(time.Hour))
	if known := h.known(h.healthy, time.Time{}); len(known) != h.shape.Groups*h.shape.PartitionsPerGroup {
		t.Fatalf("of a healthy cluster, %d rows are known", len(known))
	}
	cluster.Advance()
	return h
}

// lane is one of the ways to read.
type lane func(ctx context.Context, r *kafka.Reader) *lag.Observation

func (h *trial) full(ctx context.Context, r *kafka.Reader) *lag.Observation {
	return r.Read(ctx, h.healthy)
}

func (h *trial) hot(ctx context.Context, r *kafka.Reader) *lag.Observation {
	var names []string
	for g := range h.shape.Groups {
		names = append(names, h.shape.Group(g))
	}
	return r.ReadGroups(ctx, h.healthy, names)
}

// read makes one collection with a reader of its own, as one that has met a bad broker leaves it alone for a while. It must end, whatever
// the brokers do.
func (h *trial) read(t testing.TB, by lane) *lag.Observation {
	t.Helper()
	reader, err := kafka.NewReader(kafka.Config{Cluster: "test", Brokers: h.cluster.Addresses(), Timeout: h.timeout, Options: h.options})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	done := make(chan *lag.Observation, 1)
	go func() { done <- by(t.Context(), reader) }()
	deadline := time.NewTimer(3 * readTimeout)
	defer deadline.Stop()
	select {
	case obs := <-done:
		return obs
	case <-deadline.C:
		stacks := make([]byte, 1<<20)
		t.Fatalf("the read does not end:\n%s", stacks[:runtime.Stack(stacks, true)])
		return nil
	}
}

// collect reads and computes, with what was known before.
func (h *trial) collect(t testing.TB, by lane) (*lag.Snapshot, time.Time) {
	t.Helper()
	obs := h.read(t, by)
	return lag.Compute(h.healthy, obs, nil), obs.StartedAt
}

// groupPartition names a group's partition.
type groupPartition struct{ group, partition int }

// known returns the rows that were read since then.
func (h *trial) known(s *lag.Snapshot, since time.Time) map[groupPartition]bool {
	rows := map[groupPartition]bool{}
	for _, g := range s.Groups {
		number, ok := h.group(g.Name)
		if !ok {
			continue
		}
		for i := range g.Topics {
			t := &g.Topics[i]
			for j := range t.Partitions {
				if at := t.RowReadAt(&t.Partitions[j]); !at.IsZero() && !at.Before(since) {
					rows[groupPartition{number, int(t.Partitions[j].Partition)}] = true
				}
			}
		}
	}
	return rows
}

func (h *trial) group(name string) (int, bool) {
	var number int
	_, err := fmt.Sscanf(name, "group-%d", &number)
	return number, err == nil && number < h.shape.Groups && h.shape.Group(number) == name
}

// checkTruth fails the test if a row has a value that is not the truth at the time that it claims: before moved, the offsets had their
// first version, after it their second.
func (h *trial) checkTruth(t testing.TB, s *lag.Snapshot, moved time.Time) {
	t.Helper()
	h.checkTruthBut(t, s, moved, func(int, int) bool { return false })
}

// checkTruthBut leaves out what is concerned.
func (h *trial) checkTruthBut(t testing.TB, s *lag.Snapshot, moved time.Time, concerned func(group, partition int) bool) {
	t.Helper()
	var lies []string
	for _, g := range s.Groups {
		for i := range g.Topics {
			topic := &g.Topics[i]
			for j := range topic.Partitions {
				row := &topic.Partitions[j]
				if row.Lag < 0 || row.Lag > 1<<53 {
					t.Errorf("%s, topic %q, partition %d: a lag of %d", g.Name, topic.Topic, row.Partition, row.Lag)
				}
				number, ok := h.group(g.Name)
				if at := topic.RowReadAt(row); !at.IsZero() && (!ok || !concerned(number, int(row.Partition))) {
					if lie := h.lie(g.Name, topic.Topic, row, !at.Before(moved)); lie != "" {
						lies = append(lies, lie)
					}
				}
			}
		}
	}
	if len(lies) > 0 {
		t.Errorf("%d rows are wrong; the first: %s", len(lies), lies[0])
	}
}

// lie says what is wrong about a row; nothing if it is empty.
func (h *trial) lie(group, topic string, row *lag.PartitionLag, moved bool) string {
	version := int64(0)
	if moved {
		version = 1
	}
	g, ok := h.group(group)
	p := int(row.Partition)
	if !ok || topic != h.shape.Topic(h.shape.TopicOf(g)) || p < 0 || p >= h.shape.PartitionsPerGroup {
		return fmt.Sprintf("%q has no partition %d of topic %q", group, p, topic)
	}
	committed, behind := h.shape.Committed(g, p, version), h.shape.Lag(g, p, version)
	if row.Committed != committed || row.Lag != behind {
		return fmt.Sprintf("%s, partition %d, version %d: committed %d and a lag of %d, the truth is %d and %d", group, p, version, row.Committed, row.Lag, committed, behind)
	}
	return ""
}

// checkOthers fails the test if something was not read that has nothing to do with what is hostile.
func (h *trial) checkOthers(t testing.TB, s *lag.Snapshot, since time.Time, concerned func(group, partition int) bool) {
	t.Helper()
	known := h.known(s, since)
	for g := range h.shape.Groups {
		for p := range h.shape.PartitionsPerGroup {
			if !concerned(g, p) && !known[groupPartition{g, p}] {
				t.Errorf("%s, partition %d was not read: %v", h.shape.Group(g), p, reason(s, h.shape.Group(g)))
				return
			}
		}
	}
}

func (h *trial) coordinated(group, _ int) bool {
	return h.shape.Coordinator(h.shape.Group(group)) == hostile
}

func (h *trial) led(group, partition int) bool {
	return h.shape.Leader(h.shape.TopicOf(group), partition) == hostile
}

// itself concerns all that the hostile broker is asked about, as one answer that breaks the stream is followed by no other, and who
// breaks it is left alone for a while.
func (h *trial) itself(group, partition int) bool {
	return h.coordinated(group, partition) || h.led(group, partition)
}

// answersTo concerns what the answers to one kind of request are about.
func (h *trial) answersTo(key kmsg.Key) func(group, partition int) bool {
	switch key {
	case kmsg.Metadata: // about everything
		return func(int, int) bool { return true }
	case kmsg.ListOffsets:
		return h.led
	}
	return h.coordinated
}

func reason(s *lag.Snapshot, group string) error {
	g := s.Group(group)
	if g == nil {
		return s.ListingErr
	}
	return g.Reason()
}

// sealed gives an answer the length that it has.
func sealed(answer []byte) []byte {
	if len(answer) >= 4 {
		binary.BigEndian.PutUint32(answer, uint32(len(answer)-4))
	}
	return answer
}

// Bytes that are no answer at all: the broker is in error, and no more than that.
func TestRow23BrokenBytes(t *testing.T) {
	h := newTrial(t)
	random := rand.New(rand.NewPCG(23, 23))
	for name, corrupt := range map[string]func([]byte) []byte{
		"cut in half":              func(a []byte) []byte { return sealed(a[:8+(len(a)-8)/2]) },
		"cut by one byte":          func(a []byte) []byte { return sealed(a[:len(a)-1]) },
		"only a correlation id":    func(a []byte) []byte { return sealed(a[:8]) },
		"less than a header":       func(a []byte) []byte { return sealed(a[:6]) },
		"nothing but a length":     func([]byte) []byte { return make([]byte, 4) },
		"a length of 1 GiB":        func(a []byte) []byte { binary.BigEndian.PutUint32(a, 1<<30); return a },
		"a length of 2 GiB":        func(a []byte) []byte { binary.BigEndian.PutUint32(a, math.MaxInt32); return a },
		"a negative length":        func(a []byte) []byte { binary.BigEndian.PutUint32(a, math.MaxUint32); return a },
		"another correlation id":   func(a []byte) []byte { a[7] ^= 0x55; return a },
		"the answer to no request": func(a []byte) []byte { return append(slices.Clone(a), a...) },
		"another protocol":         func([]byte) []byte { return []byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n") },
		"noise": func(a []byte) []byte {
			for i := 8; i < len(a); i++ {
				a[i] = byte(random.Uint32() | 0x80) // no length is small
			}
			return a
		},
	} {
		for _, key := range hostileKeys() {
			t.Run(fmt.Sprintf("%s/%s", kmsg.NameForKey(int16(key)), name), func(t *testing.T) {
				h.cluster.Fault(hostile, key, fakekafka.Fault{Corrupt: corrupt})
				defer h.cluster.Heal()
				snapshot, started := h.collect(t, h.full)
				h.checkTruth(t, snapshot, started)
				h.checkOthers(t, snapshot, started, h.itself)
			})
		}
	}
}

// A broker that sends less than it said may have more to say, and is waited for; not for ever, and without holding up others.
func TestRow23AnswersThatDoNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		cluster, err := fakekafka.NewInMemory(hostileShape(), &network)
		if err != nil {
			t.Fatal(err)
		}
		h := newTrialOf(t, cluster, kgo.Dialer(network.DialContext))
		h.timeout = 2 * time.Second // is waited for
		<-time.After(time.Second)   // what was read before is older than what is read from here on
		for _, key := range []kmsg.Key{kmsg.Metadata, kmsg.ListGroups, kmsg.OffsetFetch, kmsg.ListOffsets} {
			h.cluster.Fault(hostile, key, fakekafka.Fault{Corrupt: func(a []byte) []byte { return a[:len(a)-1] }})
			snapshot, started := h.collect(t, h.full)
			h.checkTruth(t, snapshot, started)
			h.checkOthers(t, snapshot, started, h.itself)
			h.cluster.Heal()
		}
	})
}

// Numbers that a broker writes must not decide how much memory is used.
func TestRow23LengthsAllocateNothing(t *testing.T) {
	h := newTrial(t)
	giant := binary.AppendUvarint(nil, math.MaxInt32)
	corruptions := map[string]func([]byte) []byte{
		"1 GiB": func(a []byte) []byte { binary.BigEndian.PutUint32(a, 1<<30); return a },
		"2 GiB": func(a []byte) []byte { binary.BigEndian.PutUint32(a, math.MaxInt32); return a },
	}
	// The arrays of groups, topics and partitions, and the lengths of names, have their place here in one answer or another.
	for _, at := range []int{13, 14, 15, 26, 27, 39} {
		corruptions[fmt.Sprintf("2^31 items at byte %d", at)] = func(a []byte) []byte {
			return sealed(slices.Concat(a[:min(at, len(a))], giant, a[min(at+1, len(a)):]))
		}
	}
	for name, corrupt := range corruptions {
		for _, key := range hostileKeys()[1:] { // but ApiVersions, which the client decodes: 2^31 tags take it a minute
			h.cluster.Fault(hostile, key, fakekafka.Fault{Corrupt: corrupt})
			before := allocated()
			h.read(t, h.full)
			if used := allocated() - before; used > 64<<20 {
				t.Errorf("%s, %s: %d MiB", kmsg.NameForKey(int16(key)), name, used>>20)
			}
			h.cluster.Heal()
		}
	}
}

func allocated() uint64 {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return memory.TotalAlloc
}

// rewritten corrupts by changing the decoded answer.
func (h *trial) rewritten(t testing.TB, key kmsg.Key, change func(kmsg.Response)) func([]byte) []byte {
	t.Helper()
	version, asked := h.versions[key]
	if !asked {
		t.Fatalf("the reader does not ask for %s", kmsg.NameForKey(int16(key)))
	}
	return func(answer []byte) []byte {
		resp := kmsg.ResponseForKey(int16(key))
		resp.SetVersion(version)
		if err := resp.ReadFrom(answer[9:]); err != nil {
			t.Errorf("the fake's own answer: %v", err)
			return answer
		}
		change(resp)
		return sealed(resp.AppendTo(answer[:9:9]))
	}
}

// Answers that can be decoded, and cannot be true.
func TestRow23ImpossibleAnswers(t *testing.T) {
	h := newTrial(t)
	for key, changes := range impossibleAnswers() {
		for _, name := range slices.Sorted(maps.Keys(changes)) {
			t.Run(fmt.Sprintf("%s/%s", kmsg.NameForKey(int16(key)), name), func(t *testing.T) {
				h.cluster.Fault(hostile, key, fakekafka.Fault{Corrupt: h.rewritten(t, key, changes[name])})
				defer h.cluster.Heal()
				for _, by := range []lane{h.full, h.hot} {
					snapshot, started := h.collect(t, by)
					h.checkTruth(t, snapshot, started)
					h.checkOthers(t, snapshot, started, h.answersTo(key))
					h.checkSums(t, snapshot, started)
				}
			})
		}
	}
}

// checkSums fails the test if a group's total is neither unknown nor the truth at its time.
func (h *trial) checkSums(t *testing.T, s *lag.Snapshot, moved time.Time) {
	t.Helper()
	for g := range h.shape.Groups {
		name := h.shape.Group(g)
		got, err := lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{name}, What: name}, time.Now(), time.Minute)
		if err != nil {
			continue
		}
		var before, after int64
		for p := range h.shape.PartitionsPerGroup {
			before += h.shape.Lag(g, p, 0)
			after += h.shape.Lag(g, p, 1)
		}
		want := before
		if !got.ReadAt.Before(moved) {
			want = after
		}
		if got.Lag != want {
			t.Errorf("%s: a total of %d, the truth is %d (%d before)", name, got.Lag, after, before)
			return
		}
	}
}
