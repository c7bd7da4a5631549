package kafka_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

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
