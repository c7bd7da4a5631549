package kafka

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

var errUnknownType = errors.New("this version of the adapter does not know groups of this type")

// offsetFetchGroups is the first version of OffsetFetch that takes several groups (KIP-709).
const offsetFetchGroups = 8

// singleAtOnce is how many requests for single groups are under way at the same time at a broker that does not take several
// groups in one: the broker answers them one by one, but none waits for the way there and back.
const singleAtOnce = 8

// fetchCommits fills in the commits of the groups of one broker.
func (c *collection) fetchCommits(ctx context.Context, broker int32, groups []lag.GroupObservation) {
	var commits, shares []*lag.GroupObservation
	for i := range groups {
		g := &groups[i]
		if g.CommitsErr != nil { // by the list already
			continue
		}
		switch g.Type {
		case lag.GroupClassic, lag.GroupConsumer, lag.GroupStreams:
			commits = append(commits, g)
		case lag.GroupShare:
			shares = append(shares, g)
		default:
			g.CommitsErr = unknownType(g)
		}
	}
	var wg sync.WaitGroup
	if len(shares) > 0 {
		wg.Go(func() { c.fetchShares(ctx, broker, shares) })
	}
	if len(commits) > 0 {
		rest := c.fetchBatch(ctx, broker, commits)
		c.fetchSingly(ctx, broker, rest)
	}
	wg.Wait()
}

func expectCommits(broker int32, op string, groups []*lag.GroupObservation) *answers {
	return expect(broker, op, groups, func(g *lag.GroupObservation, err error) { g.CommitsErr = err })
}

// fetchBatch asks for the commits of all the groups at once. It returns those that are still to be asked for: a broker that does
// not know batches answers for the first only.
func (c *collection) fetchBatch(ctx context.Context, broker int32, groups []*lag.GroupObservation) []*lag.GroupObservation {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.Topics = groups[0].Name, nil // what brokers before v8 read; nil topics: all
	for _, g := range groups {
		one := kmsg.NewOffsetFetchRequestGroup()
		one.Group = g.Name
		req.Groups = append(req.Groups, one)
	}
	asked := expectCommits(broker, "OffsetFetch", groups)
	readAt := time.Now()
	resp, err := ask[*kmsg.OffsetFetchResponse](ctx, c, broker, req)
	if err != nil {
		asked.fail(groups, err)
		return nil
	}
	answers := resp.Groups
	if resp.Version < offsetFetchGroups {
		answers = []kmsg.OffsetFetchResponseGroup{*batched(groups[0].Name, resp)}
	}
	for i := range answers {
		if g := asked.group(answers[i].Group, codeError(broker, req, answers[i].ErrorCode)); g != nil {
			c.setCommits(g, req, &answers[i], readAt)
		}
	}
	if resp.Version < offsetFetchGroups {
		return groups[1:]
	}
	return nil
}

// fetchSingly asks for the commits of the groups one by one.
func (c *collection) fetchSingly(ctx context.Context, broker int32, groups []*lag.GroupObservation) {
	next := make(chan *lag.GroupObservation)
	var wg sync.WaitGroup
	for range min(singleAtOnce, len(groups)) {
		wg.Go(func() {
			for g := range next {
				c.fetchBatch(ctx, broker, []*lag.GroupObservation{g})
			}
		})
	}
	for _, g := range groups {
		next <- g
	}
	close(next)
	wg.Wait()
}

// batched gives the answer of an older broker the form of a newer one's.
func batched(group string, resp *kmsg.OffsetFetchResponse) *kmsg.OffsetFetchResponseGroup {
	out := &kmsg.OffsetFetchResponseGroup{Group: group, ErrorCode: resp.ErrorCode}
	for _, t := range resp.Topics {
		topic := kmsg.OffsetFetchResponseGroupTopic{Topic: t.Topic}
		for _, p := range t.Partitions {
			topic.Partitions = append(topic.Partitions, kmsg.OffsetFetchResponseGroupTopicPartition{
				Partition: p.Partition, Offset: p.Offset, LeaderEpoch: p.LeaderEpoch, ErrorCode: p.ErrorCode,
			})
		}
		out.Topics = append(out.Topics, topic)
	}
	return out
}

// setCommits translates a group's answer.
func (c *collection) setCommits(g *lag.GroupObservation, req kmsg.Request, resp *kmsg.OffsetFetchResponseGroup, readAt time.Time) {
	count := 0
	for i := range resp.Topics {
		count += len(resp.Topics[i].Partitions)
	}
	rows := make([]lag.Commit, 0, count) // one array for the group; its topics are parts of it
	commits := make([]lag.TopicCommits, 0, len(resp.Topics))
	for i := range resp.Topics {
		t := &resp.Topics[i]
		if !c.reader.cfg.Topics(t.Topic) {
			continue
		}
		first := len(rows)
		for _, p := range t.Partitions {
			rows = append(rows, lag.Commit{
				Partition: p.Partition, Offset: p.Offset, LeaderEpoch: p.LeaderEpoch, BrokerLag: lag.NoOffset,
				Err: codeError(g.Coordinator, req, p.ErrorCode),
			})
		}
		commits = append(commits, lag.TopicCommits{Topic: t.Topic, Partitions: rows[first:len(rows):len(rows)]})
	}
	g.CommitsReadAt, g.Commits = readAt, sortedCommits(commits)
}

// sortedCommits sorts the topics and their partitions.
func sortedCommits(commits []lag.TopicCommits) []lag.TopicCommits {
	for i := range commits {
		slices.SortFunc(commits[i].Partitions, func(a, b lag.Commit) int { return cmp.Compare(a.Partition, b.Partition) })
	}
	slices.SortFunc(commits, func(a, b lag.TopicCommits) int { return cmp.Compare(a.Topic, b.Topic) })
	return commits
}
