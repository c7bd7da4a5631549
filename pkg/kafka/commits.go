package kafka

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

var errTypeUnread = errors.New("this version of the adapter does not read groups of this type")

// offsetFetchGroups is the first version of OffsetFetch that takes several groups (KIP-709).
const offsetFetchGroups = 8

// fetchCommits fills in the commits of the groups, which are sorted by name. The error is the broker's, if it did not answer.
func (c *collection) fetchCommits(ctx context.Context, broker int32, groups []lag.GroupObservation) error {
	var wanted []*lag.GroupObservation
	for i := range groups {
		g := &groups[i]
		if g.Type == lag.GroupClassic || g.Type == lag.GroupConsumer {
			wanted = append(wanted, g)
		} else {
			g.CommitsErr = &lag.ReadError{Class: lag.ClassUnsupported, Broker: noBroker, Op: string(g.Type) + " group", Err: errTypeUnread}
		}
	}
	for len(wanted) > 0 {
		answered, err := c.fetchSome(ctx, broker, wanted)
		if err != nil {
			for _, g := range wanted {
				g.CommitsErr = err
			}
			return err
		}
		wanted = wanted[answered:]
	}
	return nil
}

// fetchSome asks for the commits of all the groups at once and returns for how many of them, from the first, the broker
// answered: all, or only the first where it does not know batches.
func (c *collection) fetchSome(ctx context.Context, broker int32, groups []*lag.GroupObservation) (answered int, err error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.Topics = groups[0].Name, nil // what brokers before v8 read; nil topics: all
	for _, g := range groups {
		one := kmsg.NewOffsetFetchRequestGroup()
		one.Group = g.Name
		req.Groups = append(req.Groups, one)
	}
	readAt := time.Now()
	resp, err := ask[*kmsg.OffsetFetchResponse](ctx, c.reader, broker, req)
	if err != nil {
		return 0, err
	}
	if resp.Version < offsetFetchGroups {
		c.setCommits(groups[0], req, batched(groups[0].Name, resp), readAt)
		return 1, nil
	}
	byName := make(map[string]*kmsg.OffsetFetchResponseGroup, len(resp.Groups))
	for i := range resp.Groups {
		byName[resp.Groups[i].Group] = &resp.Groups[i]
	}
	for _, g := range groups {
		c.setCommits(g, req, byName[g.Name], readAt)
	}
	return len(groups), nil
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

// setCommits translates a group's answer, which is nil if the broker left it out.
func (c *collection) setCommits(g *lag.GroupObservation, req kmsg.Request, resp *kmsg.OffsetFetchResponseGroup, readAt time.Time) {
	if resp == nil {
		g.CommitsErr = &lag.ReadError{Class: lag.ClassProtocol, Broker: g.Coordinator, Op: "OffsetFetch", Err: errors.New("the broker left the group out of its answer")}
		return
	}
	if g.CommitsErr = codeError(g.Coordinator, req, resp.ErrorCode); g.CommitsErr != nil {
		return
	}
	g.CommitsReadAt = readAt
	count := 0
	for i := range resp.Topics {
		count += len(resp.Topics[i].Partitions)
	}
	rows := make([]lag.Commit, 0, count) // one array for the group; its topics are parts of it
	g.Commits = make([]lag.TopicCommits, 0, len(resp.Topics))
	for i := range resp.Topics {
		t := &resp.Topics[i]
		if !c.reader.cfg.Topics(t.Topic) {
			continue
		}
		first := len(rows)
		for _, p := range t.Partitions {
			rows = append(rows, lag.Commit{Partition: p.Partition, Offset: p.Offset, LeaderEpoch: p.LeaderEpoch, Err: codeError(g.Coordinator, req, p.ErrorCode)})
		}
		partitions := rows[first:len(rows):len(rows)]
		slices.SortFunc(partitions, func(a, b lag.Commit) int { return cmp.Compare(a.Partition, b.Partition) })
		g.Commits = append(g.Commits, lag.TopicCommits{Topic: t.Topic, Partitions: partitions})
	}
	slices.SortFunc(g.Commits, func(a, b lag.TopicCommits) int { return cmp.Compare(a.Topic, b.Topic) })
}
