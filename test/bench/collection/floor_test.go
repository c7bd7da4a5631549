package main

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorded returns what a first collection asks of a small cluster.
func recorded(t *testing.T) (*fakekafka.Cluster, []fakekafka.Recorded) {
	t.Helper()
	cluster, err := fakekafka.New(fakekafka.Shape{Groups: 12, PartitionsPerGroup: 5, GroupsPerTopic: 3, MembersPerGroup: 2,
		Types: []string{fakekafka.Classic, fakekafka.Consumer}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	reader, err := kafka.NewReader(kafka.Config{Cluster: "test", Brokers: cluster.Addresses(), Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	cluster.Record()
	if s := lag.Compute(nil, reader.Read(t.Context(), nil), nil); s.MetadataErr != nil || len(s.Groups) != 12 {
		t.Fatalf("%d groups, %v", len(s.Groups), s.MetadataErr)
	}
	return cluster, cluster.Recorded()
}

// The floor would be too low if it left something out.
func TestFloorDecodesAllThatTheCollectorAsksFor(t *testing.T) {
	t.Run("by itself", func(t *testing.T) { testFloor(t, false) })
	t.Run("by the library", func(t *testing.T) { testFloor(t, true) })
}

func testFloor(t *testing.T, library bool) {
	t.Helper()
	cluster, requests := recorded(t)
	f, err := newFloor(t.Context(), cluster.Addresses(), library)
	if err != nil {
		t.Fatal(err)
	}
	defer f.client.Close()
	rows, err := f.replay(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	const groups, members, commits, partitions = 12, 24, 60, 20 + 50 // 50 are those of __consumer_offsets
	// Partitions come with Metadata, with the ends and with the starts of the logs.
	if want := groups + members + commits + 3*partitions; rows != want {
		t.Errorf("%d rows, want %d", rows, want)
	}
	var got, want int64
	for _, rows := range f.rows {
		for _, r := range rows {
			if r.epoch == 7 && r.more == 0 { // commits and nothing else
				got += r.offset
			}
		}
	}
	for g := range cluster.Shape().Groups {
		for p := range cluster.Shape().PartitionsPerGroup {
			want += cluster.Shape().Committed(g, p, 0)
		}
	}
	if got != want {
		t.Errorf("the commits add up to %d, want %d", got, want)
	}
}

// Like any client, the floor has to bear what is not an answer.
func TestFloorRefusesCutAnswers(t *testing.T) {
	resp := kmsg.NewPtrOffsetFetchResponse()
	resp.Version = 9
	resp.Groups = []kmsg.OffsetFetchResponseGroup{{Group: "a", Topics: []kmsg.OffsetFetchResponseGroupTopic{
		{Topic: "t", Partitions: []kmsg.OffsetFetchResponseGroupTopicPartition{{Partition: 1, Offset: 2}}}}}}
	whole := resp.AppendTo(nil)
	if rows, err := decode(kmsg.OffsetFetch, 9, whole); err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	for n := range whole {
		if _, err := decode(kmsg.OffsetFetch, 9, whole[:n]); err == nil {
			t.Errorf("%d of %d bytes are decoded", n, len(whole))
		}
	}
}
