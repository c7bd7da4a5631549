package kinds

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/members"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestAllKindsOfGroups has groups of every kind live together on one topic (row 10 of the fault catalogue).
func TestAllKindsOfGroups(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	kafka := shared.Workload()
	const topic = "kinds"
	suite.Try(t, kafka.CreateTopic(ctx, topic, 4))
	suite.Try(t, kafka.Produce(ctx, topic, 80))

	classic, err := kafka.Join("kinds-classic", topic)
	suite.Try(t, err)
	t.Cleanup(classic.Close)
	suite.Try(t, classic.Consume(ctx, 10))
	stays, err := kafka.Join("kinds-static", topic, kgo.InstanceID("stays"))
	suite.Try(t, err)
	t.Cleanup(stays.Close)
	suite.Try(t, stays.Consume(ctx, 5))
	away, err := kafka.Join("kinds-static", topic, kgo.InstanceID("away"))
	suite.Try(t, err)
	worker, err := members.JoinConnect(ctx, strings.Split(kafka.Bootstrap, ","), "kinds-connect")
	suite.Try(t, err)
	t.Cleanup(worker.Close)
	suite.Try(t, kafka.Consume(ctx, "kinds-empty", topic, 7))
	suite.Try(t, kafka.Commit(ctx, "kinds-only-commits", topic, map[int32]int64{0: 3, 2: 11}))
	suite.Try(t, shared.members.Join(ctx, members.Streams, "kinds-streams", topic, 80))
	suite.Try(t, shared.members.Join(ctx, members.Consumer, "kinds-consumer", topic, 9))
	suite.Try(t, shared.members.Join(ctx, members.Share, "kinds-share-earliest", topic, 6))
	suite.Try(t, shared.members.Join(ctx, members.Share, "kinds-share-idle-earliest", topic, 0))
	suite.Try(t, kafka.Produce(ctx, topic, 8)) // that none reads

	want := map[string]string{ // type, protocol, members
		"kinds-classic": "Classic consumer 1", "kinds-static": "Classic consumer 2", "kinds-connect": "Classic connect 1",
		"kinds-empty": "Classic consumer 0", "kinds-only-commits": "Classic  0", "kinds-streams": "Streams streams 1",
		"kinds-consumer": "Consumer consumer 1", "kinds-share-earliest": "Share share 1", "kinds-share-idle-earliest": "Share share 1",
	}
	check := func(now *truth) error {
		for _, g := range now.groups {
			got := fmt.Sprintf("%s %s %d", g.Type, g.Protocol, len(g.Members))
			if w, ok := want[g.Group]; ok && w != got {
				return fmt.Errorf("%s is %s, want %s", g.Group, got, w)
			}
			if g.Group == "kinds-static" && (len(g.Members) < 2 || len(g.Members[0].Assignment) != 2 || len(g.Members[1].Assignment) != 2) {
				return fmt.Errorf("the partitions are not divided yet: %v", g.Members)
			}
		}
		return nil
	}
	settled(ctx, t, "the groups", check)
	away.Close() // without leaving, as static members do; its session lasts 45 s
	found := agrees(ctx, t, shared.Oracle, shared.exporter, "kinds-")
	suite.Try(t, check(found))
	checkShares(t, found)
}

// checkShares makes sure that the share groups were in the states in which the test wants to have seen them.
func checkShares(t *testing.T, found *truth) {
	t.Helper()
	counted := map[string]int{} // partitions of which the broker tells the lag
	for _, group := range []string{"kinds-share-earliest", "kinds-share-idle-earliest"} {
		offsets, err := found.Group(group)
		suite.Try(t, err)
		for _, c := range offsets.Commits {
			if c.ShareLag != nil {
				counted[group]++
				t.Logf("%s, partition %d: start %d, lag %d", group, c.Partition.Partition, c.Offset, *c.ShareLag)
			} else if c.Offset != noCommit {
				t.Errorf("%s, partition %d: start %d, and no lag", group, c.Partition.Partition, c.Offset)
			}
		}
		if len(offsets.Commits) != 4 {
			t.Errorf("%s: the broker tells of %d partitions, want 4", group, len(offsets.Commits))
		}
	}
	if counted["kinds-share-earliest"] == 0 || counted["kinds-share-idle-earliest"] == 4 {
		t.Errorf("partitions with a lag of the broker: %v, want some of the one group, and not all of the idle one", counted)
	}
}

// TestTopicLeftBehind: a group has commits on a topic that it has left. They count, unless the group is configured otherwise.
func TestTopicLeftBehind(t *testing.T) {
	ctx := suite.Within(t, time.Minute)
	kafka := shared.Workload()
	for _, topic := range []string{"left-behind", "left-for"} {
		suite.Try(t, kafka.CreateTopic(ctx, topic, 2))
		suite.Try(t, kafka.Produce(ctx, topic, 10))
	}
	lag := map[string]float64{"left": 10 - 4, "left" + ignoringGroup: 0}
	for group := range lag {
		suite.Try(t, kafka.Commit(ctx, group, "left-behind", map[int32]int64{0: 2, 1: 2}))
		member, err := kafka.Join(group, "left-for")
		suite.Try(t, err)
		t.Cleanup(member.Close)
		suite.Try(t, member.Consume(ctx, 3))
	}
	found := agrees(ctx, t, shared.Oracle, shared.exporter, "left")
	want, err := found.series("left")
	suite.Try(t, err)
	for group, lag := range lag {
		if got := want[sumOf(group, "left-behind")]; got != lag {
			t.Errorf("%s: the lag on the topic left behind is %v, want %v", group, got, lag)
		}
	}
}

// TestOffsetReset: members without a commit, with the one policy and the other (row 5).
func TestOffsetReset(t *testing.T) {
	ctx := suite.Within(t, time.Minute)
	kafka := shared.Workload()
	const topic = "reset"
	suite.Try(t, kafka.CreateTopic(ctx, topic, 3))
	suite.Try(t, kafka.Produce(ctx, topic, 30))
	deleteRecords(ctx, t, topic, map[int32]int64{0: 2, 1: 2})
	for _, group := range []string{"reset-latest", "reset-earliest"} {
		member, err := kafka.Join(group, topic)
		suite.Try(t, err)
		t.Cleanup(member.Close)
	}
	settled(ctx, t, "both groups to have their partitions", func(now *truth) error {
		for _, g := range now.groups {
			if strings.HasPrefix(g.Group, "reset-") && (len(g.Members) != 1 || len(g.Members[0].Assignment) != 3) {
				return fmt.Errorf("%s: %v", g.Group, g.Members)
			}
		}
		return nil
	})
	found := agrees(ctx, t, shared.Oracle, shared.exporter, "reset-")
	want, err := found.series("reset-")
	suite.Try(t, err)
	for group, lag := range map[string]float64{"reset-latest": 0, "reset-earliest": 30 - 4} {
		if got := want[sumOf(group, topic)]; got != lag {
			t.Errorf("the lag of %s is %v, want %v", group, got, lag)
		}
	}
}
