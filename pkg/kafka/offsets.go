package kafka

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// The timestamps by which ListOffsets names the two ends of a log, and the isolation level that makes the latter the last stable
// offset.
const (
	timestampLatest   = -1
	timestampEarliest = -2

	readUncommitted int8 = 0
	readCommitted   int8 = 1
)

// offsetKind is one of the offsets of a log.
type offsetKind struct {
	need      need
	timestamp int64
	isolation int8
	column    func(*lag.Topic) *lag.Offsets
}

func offsetKinds() []offsetKind {
	return []offsetKind{
		{needEnd, timestampLatest, readUncommitted, func(t *lag.Topic) *lag.Offsets { return &t.Ends }},
		{needStart, timestampEarliest, readUncommitted, func(t *lag.Topic) *lag.Offsets { return &t.Starts }},
		{needStable, timestampLatest, readCommitted, func(t *lag.Topic) *lag.Offsets { return &t.LastStables }},
	}
}

// While offsets are read, these stand in place of those that are not there.
const (
	offsetPending = lag.NoOffset
	offsetFailed  = offsetPending - 1
)

// askLeaders asks every leader, independently of the others, for what is needed of its partitions. The requests to one leader are
// under way at the same time; their answers go to different places.
func (c *collection) askLeaders(ctx context.Context) {
	c.makeRoom(time.Now())
	var round []offsetsAsked
	for _, kind := range offsetKinds() {
		round = append(round, c.neededOf(kind)...)
	}
	c.askRound(ctx, round)
}

func (c *collection) askRound(ctx context.Context, round []offsetsAsked) {
	c.sortEpochs()
	var wg sync.WaitGroup
	for i := range round {
		wg.Go(func() {
			c.listOffsets(ctx, &round[i])
			if round[i].kind.need == needEnd {
				c.readEpochEnds(ctx, &round[i])
			}
		})
	}
	wg.Wait()
	c.keepEpochEnds()
}

// makeRoom makes room for the offsets that are to be read. All count as read at the time before the first is asked for.
func (c *collection) makeRoom(now time.Time) {
	for _, kind := range offsetKinds() {
		total := 0
		for i := range c.needs {
			if c.needs[i].any&kind.need != 0 {
				total += len(c.obs.Topics[i].Partitions)
			}
		}
		values := slices.Repeat([]int64{offsetPending}, total)
		var epochs []int32
		if kind.need == needEnd {
			epochs = slices.Repeat([]int32{-1}, total)
		}
		for i := range c.needs {
			t := &c.obs.Topics[i]
			n := len(t.Partitions)
			if c.needs[i].any&kind.need == 0 || n == 0 {
				continue
			}
			*kind.column(t) = lag.Offsets{Values: values[:n:n], ReadAt: now}
			values = values[n:]
			if epochs != nil {
				t.LeaderEpochs, epochs = epochs[:n:n], epochs[n:]
			}
		}
	}
}

// neededOf returns what to ask each leader for. Where there is none, it notes why.
func (c *collection) neededOf(kind offsetKind) []offsetsAsked {
	if !c.asksForAll(kind) {
		return c.workOut(kind)
	}
	if c.listed.ends == nil {
		ends := c.workOut(kind)
		if len(c.failures.list) > 0 { // whose reasons are worked out, too
			return ends
		}
		for i := range ends {
			ends[i].encoded = new(encodedAsked)
		}
		c.listed.ends = ends
	}
	return slices.Clone(c.listed.ends)
}

// asksForAll says whether the ends of all topics that are listed are asked for, as they mostly are, and of no other.
func (c *collection) asksForAll(kind offsetKind) bool {
	return kind.need == needEnd && !c.obs.Partial && len(c.obs.Topics) == len(c.listed.topics)
}

func (c *collection) workOut(kind offsetKind) []offsetsAsked {
	asked, ids := make([]offsetsAsked, len(c.brokers)), make([]int32, len(c.brokers))
	for i, b := range c.brokers {
		asked[i], ids[i] = offsetsAsked{kind: kind, leader: b.id}, b.id
	}
	for i := range c.needs {
		n := &c.needs[i]
		if n.any&kind.need == 0 {
			continue
		}
		partitions := c.obs.Topics[i].Partitions
		for j := range partitions {
			if n.of(j)&kind.need == 0 {
				continue
			}
			if at, known := slices.BinarySearch(ids, partitions[j].Leader); known {
				asked[at].add(i, j)
			} else {
				c.fail(kind, i, j, c.whyNotAsked(i, j))
			}
		}
	}
	return slices.DeleteFunc(asked, func(a offsetsAsked) bool { return len(a.partitions) == 0 })
}

// whyNotAsked returns why the leader of the partition cannot be asked.
func (c *collection) whyNotAsked(topic, partition int) error {
	t := &c.obs.Topics[topic]
	if p := &t.Partitions[partition]; p.Leader >= 0 {
		return &lag.ReadError{Class: lag.ClassLeadership, Broker: p.Leader, Op: "ListOffsets", Err: errUnknownBroker}
	}
	code := c.leaderless[partitionName{t.Name, t.Partitions[partition].Partition}]
	return codeError(noBroker, (*kmsg.MetadataRequest)(nil), cmp.Or(code, kerr.LeaderNotAvailable.Code))
}

// partitionName names a partition of a topic.
type partitionName struct {
	topic  string
	number int32
}

// isolationVersion is the first version of ListOffsets that knows the last stable offset (KIP-98).
const isolationVersion = 2

var (
	errNoIsolation      = errors.New("the broker is too old to tell the last stable offset")
	errPartitionLeftOut = errors.New("the broker left the partition out of its answer")
	errPartitionTwice   = errors.New("two answers for one partition")
)

func (c *collection) listOffsets(ctx context.Context, a *offsetsAsked) {
	resp, err := ask[*endsResponse](ctx, c, a.leader, &endsRequest{topics: c.obs.Topics, asked: a})
	set := 0
	if err == nil {
		set, err = c.takeAnswer(resp, a)
	}
	if err != nil || set < len(a.partitions) {
		c.failRest(a, err)
	}
}

// failRest notes why what was asked for is not there; err, why nothing in the answer counts, is nil if it is only that it was left out.
func (c *collection) failRest(a *offsetsAsked, err error) {
	missing := err
	if err == nil {
		missing = &lag.ReadError{Class: lag.ClassProtocol, Broker: a.leader, Op: "ListOffsets", Err: errPartitionLeftOut}
	}
	for topic, partition := range a.each {
		value := &a.kind.column(&c.obs.Topics[topic]).Values[partition]
		if err != nil && *value >= 0 { // set before the answer turned out to be malformed
			*value = offsetPending
		}
		if *value == offsetPending {
			c.fail(a.kind, topic, partition, missing)
		}
	}
}

// takeAnswer fills in what the leader has answered. It returns how many offsets it has set without looking twice, which do not count
// if there is an error.
func (c *collection) takeAnswer(resp *endsResponse, a *offsetsAsked) (set int, err error) {
	if a.kind.isolation == readCommitted && resp.Version < isolationVersion { // it has given the high watermark
		return 0, &lag.ReadError{Class: lag.ClassUnsupported, Broker: a.leader, Op: "ListOffsets", Err: errNoIsolation}
	}
	err = resp.decode(a.expect(c), func(answer decodedEnds) { set += c.setAnswer(&answer, a) })
	return set, c.malformed(a.leader, "ListOffsets", err)
}

// setAnswer fills in what a leader answered about one topic, and returns how many offsets it has set. Mostly the answer has the
// topics and the partitions in the order of the request.
func (c *collection) setAnswer(answer *decodedEnds, a *offsetsAsked) (set int) {
	topic, partitions := a.next(c, answer.Topic)
	if topic < 0 {
		return 0
	}
	rows := answer.Rows
	if len(partitions) == len(rows) {
		set = setPlain(&c.obs.Topics[topic], a.kind, partitions, rows)
	}
	c.setOffsets(topic, rows[set:], a)
	return set
}

// setPlain fills in the rows as long as they are of these very partitions, and there is nothing wrong with them. It returns how many
// they were.
func setPlain(t *lag.Topic, kind offsetKind, partitions []int32, rows []decodedEnd) int {
	n := len(t.Partitions)
	if n == 0 || t.Partitions[0].Partition != 0 || int(t.Partitions[n-1].Partition) != n-1 { // they are not numbered by their places
		return 0
	}
	values, epochs := kind.column(t).Values, t.LeaderEpochs
	for i := range rows {
		row, at := &rows[i], partitions[i]
		if row.Partition != at || row.Code != 0 || row.Offset < 0 {
			return i
		}
		if values[at] = row.Offset; kind.need == needEnd {
			epochs[at] = row.LeaderEpoch
		}
	}
	return len(rows)
}

// setOffsets fills in what a leader answered about one topic.
func (c *collection) setOffsets(topic int, rows []decodedEnd, a *offsetsAsked) {
	t, n := &c.obs.Topics[topic], &c.needs[topic]
	if n.any&a.kind.need == 0 {
		return
	}
	values, epochs := a.kind.column(t).Values, t.LeaderEpochs
	for i := range rows {
		row := &rows[i]
		at := int(row.Partition)
		if at < 0 || at >= len(t.Partitions) || t.Partitions[at].Partition != row.Partition { // hardly ever
			at = t.Index(row.Partition)
		}
		if at < 0 || t.Partitions[at].Leader != a.leader || n.of(at)&a.kind.need == 0 {
			continue // not asked for
		}
		switch {
		case values[at] != offsetPending:
			c.fail(a.kind, topic, at, &lag.ReadError{Class: lag.ClassProtocol, Broker: a.leader, Op: "ListOffsets", Err: errPartitionTwice})
		case row.Code != 0:
			c.fail(a.kind, topic, at, codeError(a.leader, (*kmsg.ListOffsetsRequest)(nil), row.Code))
		case row.Offset < 0:
			c.fail(a.kind, topic, at, protocolError(a.leader, "ListOffsets", "an offset of %d", row.Offset))
		default:
			if values[at] = row.Offset; a.kind.need == needEnd {
				epochs[at] = row.LeaderEpoch
			}
		}
	}
}
