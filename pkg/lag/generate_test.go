package lag_test

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// cluster is a Kafka cluster of a few topics and groups that random events happen to. It yields observations of itself in which
// random readings failed.
type cluster struct {
	t      *rapid.T
	topics map[string]*clusterTopic
	next   byte // the next topic id
	noIDs  bool // brokers before Metadata v10
	share  bool // g2 is a share group
}

type clusterTopic struct {
	id         byte
	start, end []int64
	open       int64                  // records of open transactions at the end of each log
	epoch      int32                  // of all leaders
	commits    map[string][]commitRow // by group; of a topic that was deleted they stay
	deleted    bool
}

func topicNames() []string { return []string{"a", "b", "c"} }
func groupNames() []string { return []string{"g1", "g2"} }

func newCluster(t *rapid.T) *cluster {
	c := &cluster{t: t, topics: map[string]*clusterTopic{}}
	c.noIDs, c.share = c.oneIn(8, "no topic ids"), c.oneIn(4, "g2 is a share group")
	for _, name := range topicNames() {
		c.topics[name] = c.create()
	}
	return c
}

func (c *cluster) create() *clusterTopic {
	c.next++
	topic := &clusterTopic{id: c.next, epoch: int32(c.number("first epoch", 0, 2)), commits: map[string][]commitRow{}}
	if c.noIDs { // then it is nothing but its epochs that tell it from the topic before, and only of partitions that were read
		topic.id, topic.epoch = 0, 10*int32(c.next)
	}
	for range c.number("partitions", 1, 3) {
		topic.add(c)
	}
	return topic
}

func (topic *clusterTopic) add(c *cluster) {
	start := int64(c.number("start", 0, 50))
	topic.start, topic.end = append(topic.start, start), append(topic.end, start+int64(c.number("length", 0, 50)))
}

func (c *cluster) number(label string, low, high int) int {
	return rapid.IntRange(low, high).Draw(c.t, label)
}

// oneIn says whether an event happens that does so about once in n times, and never in the simplest case.
func (c *cluster) oneIn(n int, event string) bool { return c.number(event, 1, n) == n }

// live lets some time pass: records come and go, groups commit, topics change.
func (c *cluster) live() {
	for _, name := range topicNames() {
		topic := c.topics[name]
		switch event := c.number("event of "+name, 1, 12); {
		case event == 12 && topic.deleted, event == 11 && !topic.deleted: // created anew; the commits stay
			commits := topic.commits
			c.topics[name] = c.create()
			c.topics[name].commits = commits
			continue
		case event == 12:
			topic.deleted = true
			continue
		case topic.deleted: // nobody can commit
			continue
		case event == 10:
			topic.add(c)
		case event == 9: // a new leader that has not all records
			topic.epoch++
			for p := range topic.end {
				topic.end[p] = max(topic.start[p], topic.end[p]-int64(c.number("truncated", 0, 30)))
			}
			continue
		}
		topic.open = int64(c.number("open", 0, 5))
		for p := range topic.end {
			topic.end[p] += int64(c.number("produced", 0, 20))
			topic.start[p] = min(topic.end[p], topic.start[p]+int64(max(0, c.number("retained", -20, 20))))
		}
		for _, group := range groupNames() {
			c.commit(topic, group)
		}
	}
}

func (c *cluster) commit(topic *clusterTopic, group string) {
	for len(topic.commits[group]) < len(topic.end) {
		topic.commits[group] = append(topic.commits[group], commitRow{Partition: int32(len(topic.commits[group])), Offset: lag.NoOffset, LeaderEpoch: -1})
	}
	for p := range topic.end {
		if c.oneIn(2, "commit") {
			row := &topic.commits[group][p]
			row.Offset, row.LeaderEpoch = int64(c.number("committed", 0, int(topic.end[p]))), int32(c.number("committed in epoch", -1, 2))
		}
	}
}

// collect observes the cluster at that second, with failures.
func (c *cluster) collect(second int) *lag.Observation {
	var parts []part
	if c.oneIn(10, "metadata fails") {
		parts = append(parts, metadataFails(c.class()))
	} else {
		for _, name := range topicNames() {
			if !c.oneIn(15, "topic not described") {
				parts = append(parts, topic(name, c.topicParts(c.topics[name])...))
			}
		}
	}
	if c.oneIn(6, "listing fails") {
		parts = append(parts, listingFails(c.class()))
	}
	parts = append(parts, c.coordinators())
	for _, name := range groupNames() {
		if !c.oneIn(6, "group not listed") {
			parts = append(parts, group(name, c.groupParts(name)...))
		}
	}
	return observe(second, parts...)
}

// coordinators says which of two brokers has which groups, and which of them gave their lists.
func (c *cluster) coordinators() part {
	if c.oneIn(3, "coordinators are not known") {
		return func(*lag.Observation) {}
	}
	leaders := []int32{1, 2, int32(c.number("leader of the third", -1, 2))}
	listed := rapid.SampledFrom([][]int32{{1, 2}, {1, 2}, {1, 2}, {1}, {2}, nil}).Draw(c.t, "listed")
	return func(o *lag.Observation) {
		if o.MetadataErr != nil {
			return
		}
		o.Coordinators, o.Listed = leaders, listed
		if len(listed) < 2 && o.ListingErr == nil {
			o.ListingErr = failed(lag.ClassTimeout)
		}
	}
}

// collectSome observes one group and its topics only.
func (c *cluster) collectSome(second int) *lag.Observation {
	name := rapid.SampledFrom(groupNames()).Draw(c.t, "wanted group")
	parts := []part{group(name, c.groupParts(name)...), func(o *lag.Observation) { o.Partial = true }}
	for _, name := range topicNames() {
		if !c.oneIn(4, "topic not wanted") {
			parts = append(parts, topic(name, c.topicParts(c.topics[name])...))
		}
	}
	return observe(second, parts...)
}

func (c *cluster) class() lag.Class {
	return rapid.SampledFrom([]lag.Class{lag.ClassTimeout, lag.ClassAuthorization, lag.ClassCoordinator, lag.ClassOther}).Draw(c.t, "class")
}

func (c *cluster) topicParts(topic *clusterTopic) []topicPart {
	if topic.deleted {
		return []topicPart{topicFails(lag.ClassNotFound)}
	}
	if c.oneIn(10, "topic fails") {
		return []topicPart{topicFails(c.class())}
	}
	parts := []topicPart{id(topic.id)}
	for p := range topic.end {
		parts = append(parts, log(topic.start[p], topic.end[p]), edit(func(p *logRow) {
			p.LastStable = lag.Offset{Value: max(p.Start.Value, p.End.Value-topic.open), ReadAt: p.End.ReadAt}
			p.LeaderEpoch = topic.epoch
		}))
		switch c.number("fault of a partition", 1, 30) {
		case 23:
			parts = append(parts, edit(func(p *logRow) { p.Start = lag.Offset{} })) // not asked for
		case 22:
			parts = append(parts, edit(func(p *logRow) { p.End, p.LastStable = lag.Offset{}, lag.Offset{} }))
		case 21:
			parts = append(parts, edit(func(p *logRow) { p.LastStable = lag.Offset{Err: failed(c.class())} }))
		case 20:
			parts = append(parts, edit(func(p *logRow) { p.LeaderEpoch = -1 }))
		case 30:
			parts = append(parts, endFails(c.class()))
		case 29, 28, 27:
			parts = append(parts, startFails(c.class()))
		case 26:
			parts = append(parts, edit(func(p *logRow) { p.End.ReadAt = p.End.ReadAt.Add(-1e9) })) // before the commits
		case 25:
			parts = append(parts, edit(func(p *logRow) { p.End.Value = -7 }))
		case 24:
			parts = append(parts, edit(func(p *logRow) { p.End.Value += 1 << 53 }))
		}
		parts = append(parts, c.epochEnds(topic, p))
	}
	return parts
}

// epochEnds tells where the epochs before the leader's end, in which offsets were committed.
func (c *cluster) epochEnds(topic *clusterTopic, partition int) topicPart {
	var ends []lag.EpochEnd
	for epoch := range min(3, topic.epoch) {
		e := lag.EpochEnd{Partition: int32(partition), Epoch: epoch, LeaderEpoch: topic.epoch, End: 1 << 60}
		switch c.number("end of an epoch", 1, 16) {
		case 16:
			e.End = lag.NoOffset
		case 15, 14, 13:
			e.End = int64(c.number("epoch ends at", 0, int(topic.end[partition])))
		case 12, 11:
			e.Err = failed(c.class())
		case 10:
			e.Err = failed(lag.ClassUnsupported)
		case 9:
			e.LeaderEpoch-- // the answer of the leader before
		case 8, 7:
			continue // not asked for
		}
		ends = append(ends, e)
	}
	return func(t *topicDraft, _ time.Time) { t.EpochEnds = append(t.EpochEnds, ends...) }
}

func (c *cluster) groupParts(name string) []groupPart {
	var parts []groupPart
	if name == "g2" && c.share {
		parts = append(parts, func(g *lag.GroupObservation) { g.Type = lag.GroupShare }, c.start())
	}
	for _, topicName := range topicNames() {
		if c.oneIn(4, "commits expire") {
			delete(c.topics[topicName].commits, name)
		}
		if commits := c.topics[topicName].commits[name]; len(commits) > 0 {
			parts = append(parts, c.commitParts(topicName, commits))
		}
	}
	switch c.number("fault of a group", 1, 20) {
	case 20:
		parts = append(parts, commitsFail(c.class()))
	case 19:
		parts = append(parts, commitsNotRead)
	}
	switch c.number("members", 1, 10) {
	case 10:
		return append(parts, membersFail(c.class()))
	case 9:
		return append(parts, membersNotRead)
	case 8:
		return append(parts, state("PreparingRebalance"), subscribes())
	}
	if c.oneIn(2, "subscribes") {
		parts = append(parts, subscribes(rapid.SampledFrom(topicNames()).Draw(c.t, "subscribed")))
	}
	if c.oneIn(3, "is assigned") {
		parts = append(parts, assigned(rapid.SampledFrom(topicNames()).Draw(c.t, "assigned"), 0))
	}
	return parts
}

func (c *cluster) commitParts(topic string, commits []commitRow) groupPart {
	var rows []commitRow
	for _, row := range commits {
		row.BrokerLag = int64(c.number("lag by the broker", -1, 9))
		switch c.number("fault of a commit", 1, 40) {
		case 40:
			row.Err = failed(c.class())
		case 39:
			row.Offset = -2
		case 38:
			rows = append(rows, row) // twice
		case 37:
			continue
		}
		rows = append(rows, row)
	}
	return commitsOf(topic, rows...)
}

// start tells where a share group starts, if it was asked for.
func (c *cluster) start() groupPart {
	kind := c.number("where the share group starts", 1, 6)
	return func(g *lag.GroupObservation) {
		switch kind {
		case 6:
			g.Start.Err = failed(lag.ClassAuthorization)
		case 5:
			g.Start.ReadAt, g.Start.Reset = g.MembersReadAt, lag.ResetEarliest
		case 4:
			g.Start.ReadAt, g.Start.Reset = g.MembersReadAt, lag.ResetLatest
		}
	}
}

// history draws a sequence of observations, five seconds apart. Between two of the whole cluster there may be one of a single
// group, which may even be in before the one that began earlier.
func history(t *rapid.T) []*lag.Observation {
	c := newCluster(t)
	var observations []*lag.Observation
	for i := range c.number("collections", 1, 8) {
		c.live()
		whole := c.collect(5 * i)
		switch c.number("single group", 1, 4) {
		case 4: // first
			c.live()
			observations = append(observations, c.collectSome(5*i+2), whole)
		case 3:
			c.live()
			observations = append(observations, whole, c.collectSome(5*i+2))
		default:
			observations = append(observations, whole)
		}
	}
	return observations
}

// policy draws a policy.
func policy(t *rapid.T) lag.Policy {
	return lag.Policy{
		OffsetReset:        rapid.SampledFrom([]lag.OffsetReset{lag.ResetLatest, lag.ResetEarliest}).Draw(t, "reset"),
		ReadCommitted:      rapid.IntRange(1, 4).Draw(t, "reads committed") == 4,
		IgnoreUnsubscribed: rapid.IntRange(1, 4).Draw(t, "ignores") == 4,
	}
}

// query is a selection that can be told in words.
type query struct {
	group      string
	topics     []string
	partitions []int32
}

// everything leaves out nothing that the generator makes.
func everything() query {
	return query{topics: topicNames(), partitions: []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}
}

func anyQuery(t *rapid.T, group string) query {
	q := everything()
	q.group = group
	if rapid.Bool().Draw(t, "by topic") {
		q.topics = rapid.SliceOfNDistinct(rapid.SampledFrom(topicNames()), 1, 2, rapid.ID[string]).Draw(t, "topics")
	}
	if rapid.Bool().Draw(t, "by partition") {
		q.partitions = rapid.SliceOfNDistinct(rapid.Int32Range(0, 4), 1, 3, rapid.ID[int32]).Draw(t, "numbers")
	}
	return q
}

func (q query) ask(s *lag.Snapshot, second int) (lag.Total, error) {
	return ask(s, second, q.group, onTopics(q.topics...), onPartitions(q.partitions...))
}

func (q query) String() string { return fmt.Sprintf("%s of %v %v", q.group, q.topics, q.partitions) }
