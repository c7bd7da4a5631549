package kafka

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// findWithheld looks for commits that a coordinator has left out as we may no longer see their topics: of those it says nothing, so
// that the group would seem to have no commits there, and the sum of the rest would pass for its lag. Topics on which a group had
// commits before and has none now are asked for by name. It is the coordinator itself that is asked: it knows at least the rights by
// which it has left them out.
func (c *collection) findWithheld(ctx context.Context, broker int32, groups []lag.GroupObservation) {
	missing := c.missingCommits(groups)
	if len(missing) == 0 {
		return
	}
	why, err := c.whyMissing(ctx, broker, slices.Sorted(maps.Keys(missing)))
	for topic, lost := range missing {
		reason := cmp.Or(err, why[topic])
		if reason == nil || lag.ClassOf(reason) == lag.ClassNotFound {
			continue // the commits are gone, or the topic is
		}
		for _, l := range lost {
			l.withhold(reason)
		}
	}
}

// lostCommits are commits of a group that are there no longer.
type lostCommits struct {
	group *lag.GroupObservation
	topic *lag.TopicLag // as it was before
}

// missingCommits returns, by topic, the commits that were there before and are there no longer.
func (c *collection) missingCommits(groups []lag.GroupObservation) map[string][]lostCommits {
	var missing map[string][]lostCommits
	for i := range groups {
		g := &groups[i]
		old := c.old(g.Name)
		if old == nil || g.CommitsErr != nil || g.CommitsReadAt.IsZero() {
			continue
		}
		read := g.Commits
		for j := range old.Topics { // both are in order
			t := &old.Topics[j]
			for len(read) > 0 && read[0].Topic < t.Topic {
				read = read[1:]
			}
			if len(read) > 0 && read[0].Topic == t.Topic || !slices.ContainsFunc(t.Partitions, committed) || !c.reader.cfg.Topics(t.Topic) {
				continue
			}
			if missing == nil {
				missing = make(map[string][]lostCommits)
			}
			missing[t.Topic] = append(missing[t.Topic], lostCommits{g, t})
		}
	}
	return missing
}

func committed(row lag.PartitionLag) bool { return row.Committed != lag.NoOffset }

// whyMissing asks a broker for topics by name, and returns what is wrong with each of them.
func (c *collection) whyMissing(ctx context.Context, broker int32, topics []string) (map[string]error, error) {
	req := metadataOf(topics)
	resp, err := ask[*metadataResponse](ctx, c, broker, metadataRequest{req})
	if err != nil {
		return nil, err
	}
	m, err := resp.decode(c.metadataNames)
	if err = c.malformed(broker, "Metadata", err); err == nil {
		err = codeError(broker, req, m.Code)
	}
	if err != nil {
		return nil, err
	}
	why := make(map[string]error, len(topics))
	for _, topic := range topics {
		why[topic] = protocolError(broker, "Metadata", "the broker left the topic out of its answer")
	}
	for i := range m.Topics {
		why[m.Topics[i].Name] = codeError(broker, req, m.Topics[i].Code)
	}
	return why, nil
}

// withhold notes why the commits could not be read.
func (l lostCommits) withhold(reason error) {
	g, t := l.group, lag.TopicCommits{Topic: l.topic.Topic}
	for _, row := range l.topic.Partitions {
		if committed(row) {
			t.Partitions = append(t.Partitions, lag.Commit{Partition: row.Partition, LeaderEpoch: -1, Offset: lag.NoOffset})
			t.Failed = append(t.Failed, lag.FailedCommit{Partition: row.Partition, Err: reason})
		}
	}
	at, _ := slices.BinarySearchFunc(g.Commits, t.Topic, func(c lag.TopicCommits, name string) int { return cmp.Compare(c.Topic, name) })
	g.Commits = slices.Insert(slices.Clip(g.Commits), at, t) // what comes behind is another group's
}

// metadataOf is a request for topics by name.
func metadataOf(names []string) *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	for _, name := range names {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, topic)
	}
	return req
}
