package lag_test

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// cluster is a Kafka cluster of a few topics and groups that random events happen to. It yields observations of itself in which
// random readings failed.
type cluster struct {
	t      *rapid.T
	topics map[string]*clusterTopic
	next   byte // the next topic id
}

type clusterTopic struct {
	id         byte
	start, end []int64
	commits    map[string][]int64 // by group; of a topic that was deleted they stay
	deleted    bool
}

func topicNames() []string { return []string{"a", "b", "c"} }
func groupNames() []string { return []string{"g1", "g2"} }

func newCluster(t *rapid.T) *cluster {
	c := &cluster{t: t, topics: map[string]*clusterTopic{}}
	for _, name := range topicNames() {
		c.topics[name] = c.create()
	}
	return c
}

func (c *cluster) create() *clusterTopic {
	c.next++
	topic := &clusterTopic{id: c.next, commits: map[string][]int64{}}
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
		case event == 10:
			topic.add(c)
		}
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
		topic.commits[group] = append(topic.commits[group], lag.NoOffset)
	}
	for p := range topic.end {
		if c.oneIn(2, "commit") {
			topic.commits[group][p] = int64(c.number("committed", 0, int(topic.end[p])))
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
	for _, name := range groupNames() {
		if !c.oneIn(6, "group not listed") {
			parts = append(parts, group(name, c.groupParts(name)...))
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
		parts = append(parts, log(topic.start[p], topic.end[p]))
		switch c.number("fault of a partition", 1, 30) {
		case 30:
			parts = append(parts, endFails(c.class()))
		case 29, 28, 27:
			parts = append(parts, startFails(c.class()))
		case 26:
			parts = append(parts, edit(func(p *lag.Partition) { p.End.ReadAt = p.End.ReadAt.Add(-1e9) })) // before the commits
		case 25:
			parts = append(parts, edit(func(p *lag.Partition) { p.End.Value = -7 }))
		case 24:
			parts = append(parts, edit(func(p *lag.Partition) { p.End.Value += 1 << 53 }))
		}
	}
	return parts
}

func (c *cluster) groupParts(name string) []groupPart {
	var parts []groupPart
	for _, topicName := range topicNames() {
		if offsets := c.topics[topicName].commits[name]; len(offsets) > 0 && !c.oneIn(4, "no commits at all") {
			parts = append(parts, c.commitParts(topicName, offsets))
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

func (c *cluster) commitParts(topic string, offsets []int64) groupPart {
	var rows []lag.Commit
	for p, offset := range offsets {
		row := lag.Commit{Partition: int32(p), Offset: offset}
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

// history draws a sequence of observations, five seconds apart.
func history(t *rapid.T) []*lag.Observation {
	c := newCluster(t)
	observations := make([]*lag.Observation, c.number("collections", 1, 8))
	for i := range observations {
		c.live()
		observations[i] = c.collect(5 * i)
	}
	return observations
}

// policy draws a policy.
func policy(t *rapid.T) lag.Policy {
	return lag.Policy{OffsetReset: rapid.SampledFrom([]lag.OffsetReset{lag.ResetLatest, lag.ResetEarliest}).Draw(t, "reset")}
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
