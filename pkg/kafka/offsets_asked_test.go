package kafka

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
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

// What is wrong with the answer about one partition is an error of that partition alone.
func TestRow23OddAnswerStaysWithThePartition(t *testing.T) {
	type row = kmsg.ListOffsetsResponseTopicPartition
	for name, tc := range map[string]struct {
		spoil func(rows []row) []row // of partition 1
		class lag.Class
	}{
		"left out":               {func([]row) []row { return nil }, lag.ClassProtocol},
		"an error and an offset": {func(r []row) []row { r[0].ErrorCode = kerr.TopicAuthorizationFailed.Code; return r }, lag.ClassAuthorization},
		"a negative offset":      {func(r []row) []row { r[0].Offset = -1; return r }, lag.ClassProtocol},
		"twice":                  {func(r []row) []row { return append(r, r[0]) }, lag.ClassProtocol},
		"three times":            {func(r []row) []row { return append(r, r[0], r[0]) }, lag.ClassProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, kfake.NumBrokers(1))
			f.produce("orders", 2, 0, 1, 2, 3)
			f.answer(kmsg.ListOffsets, func(req kmsg.Request) kmsg.Response {
				resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
				for _, asked := range req.(*kmsg.ListOffsetsRequest).Topics {
					one := kmsg.ListOffsetsResponseTopic{Topic: asked.Topic}
					for _, p := range asked.Partitions {
						rows := []row{{Partition: p.Partition, Offset: 7, LeaderEpoch: 0}}
						if p.Partition == 1 {
							rows = tc.spoil(rows)
						}
						one.Partitions = append(one.Partitions, rows...)
					}
					resp.Topics = append(resp.Topics, one)
				}
				return resp
			})
			for i, p := range logs(topic(t, f.reader().Read(t.Context(), nil), "orders")) {
				for _, offset := range []lag.Offset{p.Start, p.End} {
					if i == 1 && (lag.ClassOf(offset.Err) != tc.class || offset.Err == nil || offset.Value != 0) || i != 1 && (offset.Err != nil || offset.Value != 7) {
						t.Errorf("partition %d: %+v", i, offset)
					}
				}
			}
		})
	}
}

// What to ask for is kept only if it is all that there is to say.
func TestRow2PartitionWithoutALeaderIsNamedInEachPoll(t *testing.T) {
	listed := &listedTopics{topics: []lag.Topic{{Name: "orders", Partitions: []lag.Partition{{Partition: 0, Leader: 1}, {Partition: 1, Leader: noBroker}}}}}
	for poll := range 3 {
		c := &collection{listed: listed, brokers: []*brokerState{{id: 1}}, needs: []topicNeeds{{all: needEnd, any: needEnd}}}
		c.obs = &lag.Observation{Topics: slices.Clone(listed.topics)}
		c.makeRoom(time.Now())
		asked := c.neededOf(offsetKinds()[0])
		c.noteFailures()
		if len(asked) != 1 || !slices.Equal(asked[0].partitions, []int32{0}) {
			t.Errorf("poll %d asks for %+v", poll, asked)
		}
		if err := c.obs.Topics[0].Ends.At(1).Err; lag.ClassOf(err) != lag.ClassLeadership || err == nil {
			t.Errorf("poll %d: %v", poll, err)
		}
	}
}

// If an answer does not end where it should, nothing in it counts, neither what was read before.
func TestRow23OffsetsBeforeGarbageDoNotCount(t *testing.T) {
	answer := kmsg.NewPtrListOffsetsResponse()
	answer.Version = 7
	rows := []kmsg.ListOffsetsResponseTopicPartition{{Partition: 0, Offset: 5}, {Partition: 1, Offset: 6}}
	answer.Topics = []kmsg.ListOffsetsResponseTopic{{Topic: "orders", Partitions: rows}}
	for _, garbage := range [][]byte{nil, {0}} {
		c := &collection{needs: []topicNeeds{{all: needEnd, any: needEnd}}}
		c.obs = &lag.Observation{Topics: []lag.Topic{{Name: "orders", Partitions: []lag.Partition{{Partition: 0, Leader: 1}, {Partition: 1, Leader: 1}}}}}
		c.makeRoom(time.Now())
		asked := &offsetsAsked{kind: offsetKinds()[0], leader: 1}
		asked.add(0, 0)
		asked.add(0, 1)
		resp := (&endsRequest{version: 7}).ResponseKind().(*endsResponse)
		if err := resp.ReadFrom(append(answer.AppendTo(nil), garbage...)); err != nil {
			t.Fatal(err)
		}
		set, err := c.takeAnswer(resp, asked)
		if (err != nil) != (garbage != nil) || set != 2 {
			t.Fatalf("%d set, %v", set, err)
		}
		if err != nil {
			c.failRest(asked, err)
		}
		c.noteFailures()
		for i := range 2 {
			if end := c.obs.Topics[0].Ends.At(i); (end.Err != nil) != (garbage != nil) || end.ReadAt.IsZero() != (garbage != nil) {
				t.Errorf("garbage %v: %+v", garbage, end)
			}
		}
	}
}
