package kafka

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// What we encode is, byte for byte, what kmsg does.
func TestOffsetsAreAskedForAsKmsgDoes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		topics, asked, theirs := randomAsked(r)
		ours := &endsRequest{topics: topics, asked: asked}
		if ours.MaxVersion() != theirs.MaxVersion() {
			t.Fatalf("the last version is %d, kmsg's %d: check what is new in it", ours.MaxVersion(), theirs.MaxVersion())
		}
		for version := range theirs.MaxVersion() + 1 {
			ours.SetVersion(version)
			theirs.SetVersion(version)
			if got, want := ours.AppendTo([]byte("before")), theirs.AppendTo([]byte("before")); !bytes.Equal(got, want) {
				t.Fatalf("v%d:\n%x, want\n%x", version, got, want)
			}
			if ours.IsFlexible() != theirs.IsFlexible() || ours.Key() != theirs.Key() || ours.GetVersion() != version || ours.ResponseKind().GetVersion() != version {
				t.Fatalf("v%d: %+v", version, ours)
			}
		}
	}
}

// randomAsked returns some partitions that are asked for, and the request for them.
func randomAsked(r *rand.Rand) ([]lag.Topic, *offsetsAsked, *kmsg.ListOffsetsRequest) {
	kind := offsetKinds()[r.IntN(3)]
	asked := &offsetsAsked{kind: kind}
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel, req.TimeoutMillis = kind.isolation, 0
	topics := make([]lag.Topic, r.IntN(4))
	for i := range topics {
		t := &topics[i]
		t.Name = string(bytes.Repeat([]byte("x"), r.IntN(200)))
		one := kmsg.ListOffsetsRequestTopic{Topic: t.Name}
		for j := range r.IntN(200) {
			p := lag.Partition{Partition: r.Int32(), LeaderEpoch: r.Int32N(9) - 1}
			t.Partitions = append(t.Partitions, p)
			if r.IntN(3) > 0 {
				asked.add(i, j)
				one.Partitions = append(one.Partitions, kmsg.ListOffsetsRequestTopicPartition{
					Partition: p.Partition, CurrentLeaderEpoch: p.LeaderEpoch, Timestamp: kind.timestamp, MaxNumOffsets: 1,
				})
			}
		}
		if len(one.Partitions) > 0 {
			req.Topics = append(req.Topics, one)
		}
	}
	return topics, asked, req
}
