package load

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Spared is the broker that has no part in some of the topics: what is on them must stay fresh whatever becomes of it.
const Spared int32 = 2

// sparedEvery is how many topics there are to one that spares a broker.
const sparedEvery = 4

// createTopics creates all topics: of every size, some that spare a broker.
func (l *Load) createTopics(ctx context.Context) error {
	l.partitions = map[string]int32{Steady: 1}
	spare := map[string]bool{}
	for i := range max(l.cfg.Groups/5, 3) {
		topic := fmt.Sprintf("many-%d", i)
		l.partitions[topic], spare[topic] = []int32{6, 12, 24}[i%3], i%sparedEvery == 0
		l.topics = append(l.topics, topic)
	}
	for _, kind := range Kinds() {
		for i := range l.cfg.Scaled {
			topic := fmt.Sprintf("%s-%d", kind, i)
			l.partitions[topic], spare[topic] = scaledTopics, i%2 == 0
		}
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	for topic, partitions := range l.partitions {
		one := kmsg.NewCreateTopicsRequestTopic()
		one.Topic, one.NumPartitions, one.ReplicationFactor = topic, partitions, 3
		if spare[topic] {
			one.NumPartitions, one.ReplicationFactor, one.ReplicaAssignment = -1, -1, assignment(partitions)
		}
		req.Topics = append(req.Topics, one)
	}
	resp, err := req.RequestWith(ctx, l.client)
	if err != nil {
		return fmt.Errorf("creating topics: %w", err)
	}
	var errs []error
	for _, topic := range resp.Topics {
		// A request whose answer did not come in time is sent again, and finds what it has made.
		if err := kerr.ErrorForCode(topic.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			errs = append(errs, fmt.Errorf("creating topic %s: %w", topic.Topic, err))
		}
	}
	return errors.Join(errs...)
}

// assignment gives the replicas of each partition to the brokers 1 and 3, which lead in turn.
func assignment(partitions int32) (all []kmsg.CreateTopicsRequestTopicReplicaAssignment) {
	for p := range partitions {
		one := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		one.Partition, one.Replicas = p, []int32{1, 3}
		if p%2 == 1 {
			one.Replicas = []int32{3, 1}
		}
		all = append(all, one)
	}
	return all
}

// Topic is the topic of one of the Groups.
func (l *Load) Topic(group string) string {
	if topic, ok := l.topicOf[group]; ok { // which does not change after the start
		return topic
	}
	return group
}
