package lag

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// errUndescribed is what is known of a topic that the metadata did not mention.
var errUndescribed = &ReadError{Class: ClassOther, Broker: -1, Op: "Metadata", Err: errors.New("the topic was not described")}

// topics fills g.Topics with committed ∪ assigned ∪ all partitions of subscribed topics.
func (c *computation) topics(g, old *Group, read *GroupObservation, policy Policy) {
	owned := g.owned
	if old != nil && g.rebalancing() {
		owned = owned.with(old.Topics)
	}
	c.names = topicNames(c.names[:0], owned, read, policy)
	rows := c.makeRoom(g, rowsExpected(old, read))
	for _, name := range c.names {
		t := topicComputation{
			name: name, group: g.Type, readAt: g.ReadAt, policy: policy,
			subscribed: owned.subscribes(name), assigned: owned.of(name),
		}
		t.read, t.commitsErr = commitsOf(read.Commits, name)
		t.commits = t.read.Partitions
		t.before(old)
		var place int
		t.topic, place = c.topicAt(t.old, name)
		if t.topic != nil && t.topic.deleted() {
			t.bury(g)
			continue
		}
		lag := TopicLag{Topic: name, basis: t.topic, place: place}
		if rows = t.lag(&lag, rows); len(lag.Partitions) > 0 || lag.moreRows {
			g.Topics = append(g.Topics, lag)
		}
	}
}

// makeRoom makes room for the group's topics and rows. A group that was read alone has it to itself.
func (c *computation) makeRoom(g *Group, rows int) []PartitionLag {
	if c.obs.Partial {
		g.Topics = make([]TopicLag, 0, len(c.names))
		return make([]PartitionLag, 0, rows)
	}
	g.Topics = c.topicLags.take(len(c.names))
	return c.rows.take(rows)
}

// topicNames appends the names of the group's topics, in order.
func topicNames(names []string, owned *memberTopics, read *GroupObservation, policy Policy) []string {
	names = append(names, owned.subscribed...)
	for i := range owned.assigned {
		names = append(names, owned.assigned[i].Topic)
	}
	if !policy.IgnoreUnsubscribed || !owned.tell() {
		for i := range read.Commits {
			names = append(names, read.Commits[i].Topic)
		}
	}
	if len(names) > 1 {
		slices.Sort(names)
		names = slices.Compact(names)
	}
	return names
}

// rowsExpected says for how many rows to make room.
func rowsExpected(old *Group, read *GroupObservation) (n int) {
	for i := range read.Commits {
		n += len(read.Commits[i].Partitions)
	}
	if old == nil {
		return n
	}
	before := 0
	for i := range old.Topics {
		before += len(old.Topics[i].Partitions)
	}
	return max(n, before)
}

// topicAt returns the topic, nil if it is not known, and its place among all topics. It mostly stands where it stood before.
func (c *computation) topicAt(old *TopicLag, name string) (*Topic, int) {
	all := c.next.Topics
	if old != nil && old.place < len(all) && all[old.place].Name == name {
		return all[old.place], old.place
	}
	place, found := slices.BinarySearchFunc(all, name, compareTopic)
	if !found {
		return nil, 0
	}
	return all[place], place
}

// topicComputation works out a group's lag on one topic.
type topicComputation struct {
	name       string
	group      GroupType
	topic      *Topic   // nil if the metadata did not mention it
	commits    []Commit // of read
	read       *TopicCommits
	commitsErr error
	assigned   []int32
	subscribed bool
	readAt     time.Time // when the commits were read
	policy     Policy

	old    *TopicLag // the group's reading before of the topic, nil if there is none
	buried bool      // old is of a topic that was deleted
	same   bool      // the topic's log starts and leader epochs are those that old was worked out against
}

// before looks up the group's reading before.
func (t *topicComputation) before(old *Group) {
	if t.old = old.topic(t.name); t.old != nil {
		t.buried = t.old.reborn
	} else if old != nil {
		t.old = findTopic(old.buried, t.name)
		t.buried = t.old != nil
	}
}

// bury notes a topic that no longer exists. Commits on it, should it be created anew, are of another log.
func (t *topicComputation) bury(g *Group) {
	if len(t.commits) == 0 {
		return
	}
	g.DeletedTopics = append(g.DeletedTopics, t.name)
	rows := make([]PartitionLag, 0, len(t.commits))
	for i := range t.commits {
		row := PartitionLag{Partition: t.commits[i].Partition, Committed: t.commits[i].Offset}
		if t.checkCommit(i, false) != nil {
			row.Committed = t.lastCommit(row.Partition)
		}
		rows = append(rows, row)
	}
	buried := TopicLag{Topic: t.name, ReadAt: t.readAt, Partitions: rows}
	if t.old != nil {
		buried.Lost = t.old.Lost
	}
	g.buried = append(g.buried, buried)
}

// lastCommit is the commit that was last seen on the partition, NoOffset if none was.
func (t *topicComputation) lastCommit(number int32) int64 {
	old := t.old.row(number)
	if old == nil {
		return NoOffset
	}
	if u := t.old.unread(old); u != nil && u.doubt.stands() {
		return u.doubt.commit
	}
	return old.Committed
}

// lag fills the topic's lag. Its rows are appended to those of the group's other topics.
func (t *topicComputation) lag(out *TopicLag, rows []PartitionLag) []PartitionLag {
	err := t.err()
	out.ReadAt, out.Err, out.moreRows = t.readAt, err, err != nil && (t.subscribed || t.commitsErr != nil)
	if t.topic == nil || t.topic.Err != nil {
		out.basis = nil
	}
	if old := t.old; old != nil {
		out.Lost = old.Lost
		if out.basis == nil {
			out.basis, out.reborn = old.basis, t.buried
		}
		t.same = !t.buried && !old.doubts && old.basis != nil && t.topic != nil &&
			old.basis.version == t.topic.version
	}
	first := len(rows)
	rows, plain := t.plainRows(rows, err)
	if !plain {
		rows = t.rows(out, rows[:first], err)
	}
	out.Partitions = rows[first:len(rows):len(rows)]
	if out.Err != nil && !out.doubts {
		out.LastComplete = t.complete()
	}
	return rows
}

// err returns why no partition of the topic can be known, nil if each speaks for itself.
func (t *topicComputation) err() error {
	switch {
	case t.topic == nil:
		return errUndescribed
	case t.topic.Err != nil:
		return t.topic.Err
	}
	return t.commitsErr
}

// rows appends a row for each partition that has a commit or is owned, in order.
func (t *topicComputation) rows(out *TopicLag, rows []PartitionLag, err error) []PartitionLag {
	owned := t.owned()
	commits := t.commits
	for owned.more() || len(commits) > 0 {
		row, commit, twice := PartitionLag{Committed: NoOffset}, -1, false
		if !owned.more() || len(commits) > 0 && commits[0].Partition <= owned.number() {
			commit = len(t.commits) - len(commits)
			row.Partition = commits[0].Partition
			for commits = commits[1:]; len(commits) > 0 && commits[0].Partition == row.Partition; commits = commits[1:] {
				twice = true
			}
		} else {
			row.Partition = owned.number()
		}
		owned.pass(row.Partition)
		t.fill(out, &row, commit, twice, err)
		rows = append(rows, row)
	}
	return rows
}

// fill works out one row. commit is the index of its commit, -1 if it has none.
func (t *topicComputation) fill(out *TopicLag, row *PartitionLag, commit int, twice bool, err error) {
	var p *partitionLog
	if err == nil {
		p, err = t.partition(row.Partition)
	}
	history := t.history(row.Partition, p)
	if err == nil && commit >= 0 {
		err = t.checkCommit(commit, twice)
	}
	if err == nil {
		history, err = t.partitionLag(out, row, commit, p, history)
	}
	if err != nil {
		t.unread(out, row, history, err)
		return
	}
	if history.old != nil {
		out.Lost += t.lost(row, p, history.old)
	}
}

func (t *topicComputation) partition(number int32) (*partitionLog, error) {
	if p := t.topic.log(number); p != nil {
		return p, nil
	}
	return nil, &ReadError{Class: ClassOffsetRange, Broker: -1, Op: "Metadata",
		Err: fmt.Errorf("the topic has %d partitions, not this one", len(t.topic.Partitions))}
}

// unread notes why a row could not be read. It keeps the values before, unless there are reasons to doubt them.
func (t *topicComputation) unread(out *TopicLag, row *PartitionLag, h history, err error) {
	u := Unread{Err: err, doubt: h.doubt}
	*row = PartitionLag{Partition: row.Partition, Committed: NoOffset, Unread: int32(len(out.Unread)) + 1}
	if old := t.old.row(row.Partition); old != nil && !t.buried && !h.doubt.stands() {
		row.Committed, row.Lag, u.ReadAt = old.Committed, old.Lag, t.old.RowReadAt(old)
	}
	out.Unread = append(out.Unread, u)
	t.keepFirstSeen(out, row.Partition)
	out.doubts = out.doubts || h.doubt.stands()
	if out.Err == nil {
		out.Err = fmt.Errorf("topic %q partition %d: %w", t.name, row.Partition, err)
	}
}

// row returns the row of that partition, nil if there is none.
func (t *TopicLag) row(number int32) *PartitionLag {
	if t == nil {
		return nil
	}
	if i := int(number); i >= 0 && i < len(t.Partitions) && t.Partitions[i].Partition == number {
		return &t.Partitions[i]
	}
	i, found := slices.BinarySearchFunc(t.Partitions, number, func(p PartitionLag, n int32) int { return cmp.Compare(p.Partition, n) })
	if !found {
		return nil
	}
	return &t.Partitions[i]
}

// complete returns the last complete reading of this topic before, for later ones to refer to.
func (t *topicComputation) complete() *TopicLag {
	switch {
	case t.buried, t.old == nil:
		return nil
	case t.old.Err == nil:
		return t.old.remembered()
	}
	return t.old.LastComplete
}

// ownedPartitions walks the partitions that the members own, in order: the assigned ones, or all that the topic has, or both.
type ownedPartitions struct {
	assigned []int32
	all      []Partition
}

func (t *topicComputation) owned() ownedPartitions {
	o := ownedPartitions{assigned: t.assigned}
	if t.subscribed && t.topic != nil {
		o.all = t.topic.Partitions
	}
	return o
}

func (o *ownedPartitions) more() bool { return len(o.assigned)+len(o.all) > 0 }

func (o *ownedPartitions) number() int32 {
	if len(o.assigned) == 0 || len(o.all) > 0 && o.all[0].Partition < o.assigned[0] {
		return o.all[0].Partition
	}
	return o.assigned[0]
}

// pass leaves the partition behind, if it is the next one.
func (o *ownedPartitions) pass(number int32) {
	if len(o.all) > 0 && o.all[0].Partition == number {
		o.all = o.all[1:]
	}
	if len(o.assigned) > 0 && o.assigned[0] == number {
		o.assigned = o.assigned[1:]
	}
}
