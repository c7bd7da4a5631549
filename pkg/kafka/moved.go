package kafka

import (
	"context"
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// retryMoved asks once more for the partitions whose leader said that it is not, or no longer, the leader: Metadata of their topics,
// and then the new leaders.
func (c *collection) retryMoved(ctx context.Context) {
	defer c.noteFailures()
	if ctx.Err() != nil {
		return
	}
	moved := c.retry(leaderMoved)
	if len(moved) == 0 {
		return
	}
	names := make([]string, len(moved))
	for i, f := range moved {
		names[i] = c.obs.Topics[f.topic].Name
	}
	slices.Sort(names)
	names = slices.Compact(names)
	resp, err := c.describeTopics(ctx, names)
	if err != nil {
		c.failures.list = append(c.failures.list, moved...) // the errors that we have say more
		return
	}
	c.addBrokers(resp)
	// Requests that nobody waits for any more may still be encoded, from the topics as they were.
	c.obs.Topics = slices.Clone(c.obs.Topics)
	for i := range resp.Topics {
		if t := &resp.Topics[i]; slices.Contains(names, t.Name) {
			c.moveLeaders(t)
		}
	}
	c.noteEpochsOf(names)
	c.askRound(ctx, c.askAgain(moved, resp))
}

// askAgain returns what to ask the new leaders for. What the second answer does not tell keeps its reason.
func (c *collection) askAgain(moved []offsetFailure, resp *decodedMetadata) []offsetsAsked {
	slices.SortFunc(moved, compareFailures)
	var round []offsetsAsked
	for _, f := range moved {
		t := &c.obs.Topics[f.topic]
		p := &t.Partitions[f.partition]
		if !leads(resp, t, p) || c.broker(p.Leader) == nil {
			c.failures.list = append(c.failures.list, f)
			continue
		}
		f.kind.column(t).Values[f.partition] = offsetPending
		at := slices.IndexFunc(round, func(a offsetsAsked) bool { return a.leader == p.Leader && a.kind.need == f.kind.need })
		if at < 0 {
			at, round = len(round), append(round, offsetsAsked{kind: f.kind, leader: p.Leader})
		}
		round[at].add(f.topic, f.partition)
	}
	return round
}

// leads says whether the answer is of this very topic and names a leader of the partition.
func leads(resp *decodedMetadata, topic *lag.Topic, p *lag.Partition) bool {
	return slices.ContainsFunc(resp.Topics, func(t decodedTopic) bool {
		return t.Name == topic.Name && t.Code == 0 && t.ID == topic.ID && slices.ContainsFunc(t.Partitions, func(other lag.Partition) bool {
			return other.Partition == p.Partition && other.Leader >= 0
		})
	})
}

func leaderMoved(err error) bool {
	return err != nil && (errors.Is(err, kerr.NotLeaderForPartition) || errors.Is(err, kerr.FencedLeaderEpoch) ||
		errors.Is(err, kerr.UnknownLeaderEpoch) || errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, errUnknownBroker))
}

// moveLeaders takes the leaders from a second answer about the topic, if it is still the same one.
func (c *collection) moveLeaders(t *decodedTopic) {
	at := c.topicIndex(t.Name)
	if at < 0 || t.Code != 0 || t.ID != c.obs.Topics[at].ID {
		return
	}
	again := lag.Topic{Partitions: t.Partitions}
	partitions := slices.Clone(c.obs.Topics[at].Partitions) // others share them
	for j := range partitions {
		p := &partitions[j]
		if i := again.Index(p.Partition); i >= 0 && t.Partitions[i].Leader >= 0 {
			p.Leader, p.LeaderEpoch = t.Partitions[i].Leader, t.Partitions[i].LeaderEpoch
		}
	}
	c.obs.Topics[at].Partitions = partitions
}

// leadershipInDoubt says whether some partition of a topic had no leader, or one that could not be asked, the last time.
func leadershipInDoubt(t *lag.Topic) bool {
	if slices.ContainsFunc(t.Partitions, func(p lag.Partition) bool { return p.Leader < 0 }) || inDoubt(t.Ends.Err) {
		return true
	}
	return slices.ContainsFunc(t.Ends.Others, func(o lag.OtherOffset) bool { return inDoubt(o.Err) })
}

func inDoubt(err error) bool {
	if err == nil {
		return false
	}
	switch lag.ClassOf(err) {
	case lag.ClassLeadership, lag.ClassConnection, lag.ClassTimeout, lag.ClassNotFound:
		return true
	}
	return false
}
