package kafka

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// shareLagVersion is the first version of DescribeShareGroupOffsets that gives the broker's own lag (KIP-1226).
const shareLagVersion = 1

// fetchShares asks where the share groups (KIP-932) of one broker stand, all at once. The broker asks the share coordinators, any of
// which may be on a broker that hangs.
func (c *collection) fetchShares(ctx context.Context, broker int32, groups []*lag.GroupObservation) {
	req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
	for _, g := range groups {
		one := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
		one.GroupID, one.Topics = g.Name, nil // all topics
		req.Groups = append(req.Groups, one)
	}
	asked := expectCommits(broker, "DescribeShareGroupOffsets", groups)
	readAt := time.Now()
	resp, err := askApart[*kmsg.DescribeShareGroupOffsetsResponse](ctx, c, broker, req)
	if err != nil {
		asked.fail(groups, err)
		return
	}
	for i := range resp.Groups {
		answer := &resp.Groups[i]
		if g := asked.group(answer.GroupID, codeError(broker, req, answer.ErrorCode)); g != nil {
			g.CommitsReadAt, g.Commits = readAt, c.shareCommits(broker, req, answer, resp.Version)
		}
	}
}

// shareCommits translates a group's answer. The start offset is NoOffset where nothing was acquired yet.
func (c *collection) shareCommits(broker int32, req kmsg.Request, answer *kmsg.DescribeShareGroupOffsetsResponseGroup, version int16) []lag.TopicCommits {
	commits := make([]lag.TopicCommits, 0, len(answer.Topics))
	for i := range answer.Topics {
		t := &answer.Topics[i]
		if !c.reader.cfg.Topics(t.Topic) {
			continue
		}
		slices.SortStableFunc(t.Partitions, func(a, b kmsg.DescribeShareGroupOffsetsResponseGroupTopicPartition) int {
			return cmp.Compare(a.Partition, b.Partition)
		})
		one := lag.TopicCommits{Topic: t.Topic}
		for _, p := range t.Partitions {
			one.Partitions = append(one.Partitions, lag.Commit{Partition: p.Partition, Offset: p.StartOffset, LeaderEpoch: p.LeaderEpoch})
			if version >= shareLagVersion {
				one.BrokerLags = append(one.BrokerLags, p.Lag)
			}
			if err := codeError(broker, req, p.ErrorCode); err != nil {
				one.Failed = append(one.Failed, lag.FailedCommit{Partition: p.Partition, Err: err})
			}
		}
		commits = append(commits, one)
	}
	slices.SortStableFunc(commits, func(a, b lag.TopicCommits) int { return cmp.Compare(a.Topic, b.Topic) })
	return commits
}
