package kafka

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Where an offset was committed in an earlier leader epoch than the leader's, the leader is asked where that epoch ended (KIP-320):
// it may have ended before the offset, if the log was truncated. The answer stays the same as long as the leader's epoch does, so
// it is asked for once, and then comes from what is known already.

// epochEndsVersion is the first version of OffsetForLeaderEpoch that names the leader's epoch, and that takes no more than the right
// to describe the topic.
const epochEndsVersion = 2

// mostEpochRequests is how many requests a leader gets for this in one collection. Each has one epoch of a partition, as answers do
// not repeat which they are about; there are more only where groups last committed in different epochs.
const mostEpochRequests = 100

var errNoEpochEnds = errors.New("the broker is too old to tell where leader epochs end")

// epochsNoted are the epochs in which offsets of one topic are committed, but for those that are the leaders' own.
type epochsNoted struct {
	last []int32 // by partition: the epoch noted last, plus one; it is mostly the next one, too
	all  []epochAt
}

// epochAt is an epoch of the partition that stands at this place in its topic.
type epochAt struct {
	partition int
	epoch     int32
}

func compareEpochs(a, b epochAt) int {
	return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.epoch, b.epoch))
}

// noteEpochs notes in which epochs the offsets of one group on one topic were committed.
func (c *collection) noteEpochs(topic int, commits *lag.TopicCommits) {
	t := &c.obs.Topics[topic]
	for i := range commits.Partitions {
		commit := &commits.Partitions[i]
		if commit.LeaderEpoch < 0 || commit.Offset < 0 {
			continue
		}
		at := t.Index(commit.Partition)
		if at < 0 || commit.LeaderEpoch == t.Partitions[at].LeaderEpoch { // nearly always
			continue
		}
		if c.noted == nil {
			c.noted = make([]epochsNoted, len(c.obs.Topics))
		}
		noted := &c.noted[topic]
		if noted.last == nil {
			noted.last = make([]int32, len(t.Partitions))
		}
		if noted.last[at] != commit.LeaderEpoch+1 {
			noted.last[at] = commit.LeaderEpoch + 1
			noted.all = append(noted.all, epochAt{at, commit.LeaderEpoch})
		}
	}
}

// noteEpochsOf notes the epochs of these topics again, as their leaders have moved.
func (c *collection) noteEpochsOf(topics []string) {
	for i := range c.obs.Groups {
		g := &c.obs.Groups[i]
		for j := range g.Commits {
			if topic := c.topicIndex(g.Commits[j].Topic); topic >= 0 && g.Type != lag.GroupShare && slices.Contains(topics, g.Commits[j].Topic) {
				c.noteEpochs(topic, &g.Commits[j])
			}
		}
	}
}

// sortEpochs puts what was noted in order, each once.
func (c *collection) sortEpochs() {
	for i := range c.noted {
		noted := &c.noted[i]
		slices.SortFunc(noted.all, compareEpochs)
		noted.all = slices.Compact(noted.all)
	}
}

// place is where a partition stands in the observation.
type place struct{ topic, partition int }

// epochEnd is an answer, or the question before it is there.
type epochEnd struct {
	place
	lag.EpochEnd
}

func compareEnds(a, b epochEnd) int {
	return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition), cmp.Compare(a.Epoch, b.Epoch))
}

// readEpochEnds finds out where the epochs end that were noted of the partitions whose log ends the leader has just told.
func (c *collection) readEpochEnds(ctx context.Context, asked *offsetsAsked) {
	if c.noted == nil {
		return
	}
	known, unknown := c.epochEnds(asked)
	for requests := 0; len(unknown) > 0 && requests < mostEpochRequests; requests++ {
		var batch, rest []epochEnd // one epoch of each partition, and the others
		for i := range unknown {
			if i > 0 && unknown[i].place == unknown[i-1].place {
				rest = append(rest, unknown[i])
			} else {
				batch = append(batch, unknown[i])
			}
		}
		if err := c.askEpochEnds(ctx, asked.leader, batch); err != nil {
			for i := range rest {
				rest[i].Err = err
			}
			batch, rest = append(batch, rest...), nil
		}
		known, unknown = append(known, batch...), rest
	}
	c.endsMu.Lock()
	defer c.endsMu.Unlock()
	c.ends = append(c.ends, known...)
}

// epochEnds returns what is known from before of the epochs noted of the partitions, and what is to be asked for, in order.
func (c *collection) epochEnds(asked *offsetsAsked) (known, unknown []epochEnd) {
	for topic, partition := range asked.each {
		noted, t := c.noted[topic].all, &c.obs.Topics[topic]
		if len(noted) == 0 || t.Ends.Values[partition] < 0 {
			continue
		}
		number, leaderEpoch := t.Partitions[partition].Partition, t.LeaderEpochs[partition]
		first, _ := slices.BinarySearchFunc(noted, epochAt{partition, 0}, compareEpochs)
		for _, e := range noted[first:] {
			if e.partition != partition || e.epoch >= leaderEpoch {
				break
			}
			end := epochEnd{place{topic, partition}, lag.EpochEnd{Partition: number, Epoch: e.epoch, LeaderEpoch: leaderEpoch}}
			if before := c.knownEpochEnd(topic, end.EpochEnd); before != nil {
				end.EpochEnd = *before
				known = append(known, end)
			} else {
				unknown = append(unknown, end)
			}
		}
	}
	return known, unknown
}

func (c *collection) knownEpochEnd(topic int, e lag.EpochEnd) *lag.EpochEnd {
	if c.needs[topic].old == nil {
		return nil
	}
	before := c.needs[topic].old.EpochEnd(e.Partition, e.Epoch)
	if before == nil || before.Err != nil || before.LeaderEpoch != e.LeaderEpoch {
		return nil
	}
	return before
}

// askEpochEnds fills in the ends, which are of different partitions and in order. The error is why the leader answered for none.
func (c *collection) askEpochEnds(ctx context.Context, leader int32, ends []epochEnd) error {
	const op = "OffsetForLeaderEpoch"
	req := c.epochEndsRequest(ends)
	resp, err := ask[*kmsg.OffsetForLeaderEpochResponse](ctx, c, leader, req)
	if err == nil && resp.Version < epochEndsVersion {
		err = &lag.ReadError{Class: lag.ClassUnsupported, Broker: leader, Op: op, Err: errNoEpochEnds}
	}
	missing := err
	if err == nil {
		missing = &lag.ReadError{Class: lag.ClassProtocol, Broker: leader, Op: op, Err: errPartitionLeftOut}
	}
	for i := range ends {
		ends[i].Err = missing
	}
	if err != nil {
		return err
	}
	for i := range resp.Topics {
		topic := c.topicIndex(resp.Topics[i].Topic)
		for _, row := range resp.Topics[i].Partitions {
			at, asked := slices.BinarySearchFunc(ends, topic, func(e epochEnd, topic int) int {
				return cmp.Or(cmp.Compare(e.topic, topic), cmp.Compare(e.Partition, row.Partition))
			})
			if asked {
				ends[at].answered(leader, req, &row, missing)
			}
		}
	}
	return nil
}

// answered takes in what the leader answered; missing is the reason why it is not there yet.
func (e *epochEnd) answered(leader int32, req kmsg.Request, row *kmsg.OffsetForLeaderEpochResponseTopicPartition, missing error) {
	op := kmsg.NameForKey(req.Key())
	switch {
	case e.Err != missing: //nolint:errorlint // this very error: not answered yet
		e.Err = &lag.ReadError{Class: lag.ClassProtocol, Broker: leader, Op: op, Err: errPartitionTwice}
	case row.ErrorCode != 0:
		e.Err = codeError(leader, req, row.ErrorCode)
	case row.EndOffset < 0 || row.LeaderEpoch < 0: // it knows of no epoch as early as this one
		e.End, e.Err = lag.NoOffset, nil
	case row.LeaderEpoch > e.Epoch:
		e.Err = protocolError(leader, op, "the end of epoch %d in place of epoch %d", row.LeaderEpoch, e.Epoch)
	default:
		e.End, e.Err = row.EndOffset, nil
	}
}

// epochEndsRequest names the epochs, which come topic by topic. It also names the epoch that the leader has just told: if it is no
// longer the leader's, an answer would be of another log.
func (c *collection) epochEndsRequest(ends []epochEnd) *kmsg.OffsetForLeaderEpochRequest {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.ReplicaID = -1 // a consumer
	for i := range ends {
		if i == 0 || ends[i].topic != ends[i-1].topic {
			topic := kmsg.NewOffsetForLeaderEpochRequestTopic()
			topic.Topic = c.obs.Topics[ends[i].topic].Name
			req.Topics = append(req.Topics, topic)
		}
		row := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		row.Partition, row.CurrentLeaderEpoch, row.LeaderEpoch = ends[i].Partition, ends[i].LeaderEpoch, ends[i].Epoch
		topic := &req.Topics[len(req.Topics)-1]
		topic.Partitions = append(topic.Partitions, row)
	}
	return req
}

// keepEpochEnds puts what all leaders told into the observation.
func (c *collection) keepEpochEnds() {
	slices.SortFunc(c.ends, compareEnds)
	for i := range c.ends {
		topic := &c.obs.Topics[c.ends[i].topic]
		if i == 0 || c.ends[i].topic != c.ends[i-1].topic {
			topic.EpochEnds = nil // those of a first attempt are in c.ends, too
		}
		topic.EpochEnds = append(topic.EpochEnds, c.ends[i].EpochEnd)
	}
}
