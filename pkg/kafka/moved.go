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
	var names []string
	for i := range c.needs {
		moved := false
		for j := range c.needs[i] {
			c.needs[i][j] = c.movedKinds(i, j)
			moved = moved || c.needs[i][j] != 0
		}
		if moved {
			names = append(names, c.obs.Topics[i].Name)
		}
	}
	if len(names) == 0 || ctx.Err() != nil {
		return
	}
	resp, err := c.describeTopics(ctx, names)
	if err != nil {
		return // the errors that we have say more
	}
	c.addBrokers(resp)
	for i := range resp.Topics {
		if t := &resp.Topics[i]; slices.Contains(names, t.Name) {
			c.moveLeaders(t)
		}
	}
	c.noteEpochsOf(names)
	c.askLeaders(ctx)
}

// movedKinds returns the offsets that could not be read as the leader has moved.
func (c *collection) movedKinds(topic, partition int) need {
	var kinds need
	for _, kind := range offsetKinds() {
		err := kind.field(&c.obs.Topics[topic].Partitions[partition]).Err
		if c.needs[topic][partition]&kind.need != 0 && leaderMoved(err) {
			kinds |= kind.need
		}
	}
	return kinds
}

func leaderMoved(err error) bool {
	return err != nil && (errors.Is(err, kerr.NotLeaderForPartition) || errors.Is(err, kerr.FencedLeaderEpoch) ||
		errors.Is(err, kerr.UnknownLeaderEpoch) || errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, errUnknownBroker))
}

// moveLeaders takes the leaders from a second answer about the topic, if it is still the same one; else what was asked for stays
// unread.
func (c *collection) moveLeaders(t *decodedTopic) {
	at := c.topicIndex(t.Name)
	if at < 0 {
		return
	}
	topic := &c.obs.Topics[at]
	same := t.Code == 0 && t.ID == topic.ID
	for j := range topic.Partitions {
		p := &topic.Partitions[j]
		i := partitionAt(t.Partitions, p.Partition)
		if !same || i < 0 || t.Partitions[i].Leader < 0 {
			c.needs[at][j] = 0
			continue
		}
		if c.needs[at][j] != 0 {
			p.Leader, c.epochs[at][j] = t.Partitions[i].Leader, t.More[i]
		}
	}
}

// leadershipInDoubt says whether some partition of a topic had no leader, or one that could not be asked, the last time.
func leadershipInDoubt(t *lag.Topic) bool {
	for i := range t.Partitions {
		p := &t.Partitions[i]
		if p.Leader < 0 {
			return true
		}
		if p.End.Err == nil {
			continue
		}
		switch lag.ClassOf(p.End.Err) {
		case lag.ClassLeadership, lag.ClassConnection, lag.ClassTimeout, lag.ClassNotFound:
			return true
		}
	}
	return false
}
