package lag_test

import (
	"maps"
	"slices"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// model says what the answers must be, in the plainest way: it keeps every reading there ever was, in maps, and searches them
// back from the latest. It shares nothing with the code under test but the rule by which Kafka places groups.
type model struct {
	policy   lag.Policy // of the group at hand; told is what the operator says
	told     lag.Policy
	topics   map[string]*modelTopic
	groups   map[string]*modelGroup
	listedAt map[int32]time.Time // by broker; -1 is all of them
	leaders  []int32
}

type modelGroup struct {
	missed     int
	members    []lag.Member
	membersAt  time.Time
	membersErr bool
	rebalances bool // if it is classic: others tell their topics all the time
	classic    bool
	earliest   *bool     // whether brokers say so of a share group; nil if they did not tell
	startAt    time.Time // when that was told
	readings   []reading
	history    map[string]map[int32]past // by topic and partition
}

// past is what counts of a partition's earlier readings.
type past struct {
	commit  int64
	id      [16]byte
	doubt   *modelDoubt
	deleted bool   // the topic was deleted since
	first   *int64 // the end of a partition on which a share group has acknowledged nothing, when that was first seen
}

type modelDoubt struct {
	commit  int64
	epoch   int32
	since   time.Time
	certain bool
}

// against says whether the doubt speaks against the commit: if it is not certain, not at once, and not against another commit of the
// same offset.
func (d *modelDoubt) against(commit commitRow, at time.Time) bool {
	switch {
	case d == nil || d.commit != commit.Offset:
		return false
	case d.certain:
		return true
	}
	return d.epoch == commit.LeaderEpoch && !at.Before(d.since.Add(5*time.Second))
}

// reading is what one collection told of a group.
type reading struct {
	at     time.Time
	rows   map[string]map[int32]*int64 // nil where the lag is not known
	more   map[string]bool             // topics whose partitions are not all known
	doubts map[string]bool             // topics that speak against earlier readings, too
}

func newModel(p lag.Policy) *model {
	return &model{told: p, topics: map[string]*modelTopic{}, groups: map[string]*modelGroup{}, listedAt: map[int32]time.Time{}}
}

func (m *model) observe(o *lag.Observation) {
	m.observeTopics(o)
	listed := map[string]bool{}
	for i := range o.Groups {
		listed[o.Groups[i].Name] = true
		m.group(&o.Groups[i], o)
	}
	if o.Partial {
		return
	}
	for _, broker := range o.Listed {
		m.listedAt[broker] = o.StartedAt
	}
	if o.ListingErr == nil {
		m.listedAt[-1] = o.StartedAt
	}
	if o.MetadataErr == nil {
		m.leaders = o.Coordinators
	}
	for name, g := range m.groups {
		if listed[name] || g.latest().After(o.StartedAt) || !wouldBeListed(name, o) {
			continue
		}
		if g.missed++; g.missed == 2 {
			delete(m.groups, name)
		}
	}
}

// wouldBeListed says whether the group's coordinator gave its list.
func wouldBeListed(group string, o *lag.Observation) bool {
	if o.MetadataErr != nil || o.Coordinators == nil {
		return o.ListingErr == nil
	}
	return slices.Contains(o.Listed, o.Coordinators[lag.CoordinatorPartition(group, len(o.Coordinators))])
}

func (m *model) listedFor(group string) time.Time {
	if m.leaders == nil {
		return m.listedAt[-1]
	}
	if node := m.leaders[lag.CoordinatorPartition(group, len(m.leaders))]; node >= 0 {
		return m.listedAt[node]
	}
	return time.Time{}
}

func (g *modelGroup) latest() time.Time {
	if len(g.readings) == 0 {
		return time.Time{}
	}
	return g.readings[len(g.readings)-1].at
}

func (m *model) group(read *lag.GroupObservation, o *lag.Observation) {
	g := m.groups[read.Name]
	if g == nil {
		g = &modelGroup{history: map[string]map[int32]past{}}
		m.groups[read.Name] = g
	}
	g.missed, g.classic = 0, read.Type == lag.GroupClassic
	if read.Start.Err == nil && !read.Start.ReadAt.IsZero() && !read.Start.ReadAt.Before(g.startAt) {
		earliest := read.Start.Reset == lag.ResetEarliest
		g.earliest, g.startAt = &earliest, read.Start.ReadAt
	}
	m.policy = m.told
	if read.Type == lag.GroupShare && g.earliest != nil {
		m.policy.OffsetReset = lag.ResetLatest
		if *g.earliest {
			m.policy.OffsetReset = lag.ResetEarliest
		}
	}
	switch {
	case read.MembersErr != nil:
		g.membersErr = g.membersErr || !g.membersAt.After(o.StartedAt)
	case !read.MembersReadAt.IsZero() && !read.MembersReadAt.Before(g.membersAt):
		g.members, g.membersAt, g.membersErr, g.rebalances = read.Members, read.MembersReadAt, false, read.State == "PreparingRebalance"
	}
	membersErr := g.membersErr || g.membersAt.IsZero()
	switch {
	case read.CommitsErr != nil, read.CommitsReadAt.IsZero(), !o.Partial && o.MetadataErr != nil, g.latest().After(read.CommitsReadAt):
		return
	case m.policy.OffsetReset == lag.ResetEarliest && (membersErr || g.classic && g.rebalances && len(g.readings) == 0):
		return
	}
	g.readings = append(g.readings, m.read(g, read))
}

// read is a reading of all the partitions that the group has.
func (m *model) read(g *modelGroup, read *lag.GroupObservation) reading {
	r := reading{at: read.CommitsReadAt, rows: map[string]map[int32]*int64{}, more: map[string]bool{}, doubts: map[string]bool{}}
	var before reading
	if len(g.readings) > 0 {
		before = g.readings[len(g.readings)-1]
	}
	was := map[string]map[int32]past{}
	for topic, history := range g.history {
		was[topic] = maps.Clone(history)
	}
	told := map[string]bool{}
	for topic, partitions := range m.owned(g, before, r.more, told) {
		for p := range partitions {
			m.add(g, was, read, &r, topic, p)
		}
	}
	buried := map[string]bool{}
	for _, t := range read.Commits {
		if m.policy.IgnoreUnsubscribed && len(told) > 0 && !told[t.Topic] {
			continue
		}
		if known := m.topics[t.Topic]; known != nil && known.gone() && len(t.Partitions) > 0 {
			g.bury(t.Topic, commitRows(&t))
			buried[t.Topic] = true
		}
		for _, c := range t.Partitions {
			m.add(g, was, read, &r, t.Topic, c.Partition)
		}
	}
	for topic, history := range g.history {
		for p := range history {
			if _, ok := r.rows[topic][p]; !ok && r.rows[topic] != nil {
				delete(history, p)
			}
		}
		if r.rows[topic] == nil && !r.more[topic] && !buried[topic] {
			delete(g.history, topic) // the group left it
		}
	}
	return r
}

// bury notes that the topic is gone while the group has commits on it.
func (g *modelGroup) bury(topic string, commits []commitRow) {
	history := map[int32]past{-1: {commit: lag.NoOffset, deleted: true}}
	for _, c := range commits {
		before, found := g.history[topic][c.Partition]
		if !found {
			before.commit = lag.NoOffset
		}
		if before.doubt != nil {
			before.commit = before.doubt.commit
		}
		if c.Err == nil && c.Offset >= lag.NoOffset {
			before.commit = c.Offset
		}
		before.doubt, before.deleted = nil, true
		history[c.Partition] = before
	}
	g.history[topic] = history
}

// owned returns the partitions that members own, and notes the topics of which they tell, and those that may have more.
func (m *model) owned(g *modelGroup, before reading, more, told map[string]bool) map[string]map[int32]bool {
	owned := map[string]map[int32]bool{}
	add := func(topic string, p int32) {
		if owned[topic] == nil {
			owned[topic] = map[int32]bool{}
		}
		owned[topic][p], told[topic] = true, true
	}
	addAll := func(topic string) {
		told[topic] = true
		t := m.topics[topic]
		if t == nil || t.err && !t.gone() {
			more[topic] = true
		}
		if t != nil {
			for p := range t.parts {
				add(topic, p)
			}
		}
	}
	for _, member := range g.members {
		for _, a := range member.Assigned {
			for _, p := range a.Partitions {
				add(a.Topic, p)
			}
		}
		for _, topic := range member.Subscribed {
			addAll(topic)
		}
	}
	if g.classic && g.rebalances {
		for topic, rows := range before.rows {
			for p := range rows {
				add(topic, p)
			}
		}
		for topic := range before.more {
			addAll(topic)
		}
	}
	return owned
}

// add works out one row and what counts of it for later ones.
func (m *model) add(g *modelGroup, was map[string]map[int32]past, read *lag.GroupObservation, r *reading, topic string, partition int32) {
	t := m.topics[topic]
	if t != nil && t.gone() {
		return
	}
	if r.rows[topic] == nil {
		r.rows[topic] = map[int32]*int64{}
	} else if _, done := r.rows[topic][partition]; done {
		return
	}
	if g.history[topic] == nil {
		g.history[topic] = map[int32]past{}
	}
	value, now := m.row(read, t, was[topic], topic, partition)
	r.rows[topic][partition] = value
	if value == nil && now.doubt != nil {
		r.doubts[topic] = true
	}
	g.history[topic][partition] = now
}

// row works out a lag, nil if it is not known.
func (m *model) row(read *lag.GroupObservation, t *modelTopic, history map[int32]past, topic string, partition int32) (value *int64, now past) {
	before, found := history[partition]
	if !found {
		before = past{commit: lag.NoOffset, deleted: history[-1].deleted}
		for _, other := range history { // the other rows were worked out against the same topic
			before.id, before.deleted = other.id, before.deleted || other.deleted
		}
	}
	share := read.Type == lag.GroupShare
	if share {
		before.doubt = nil
	}
	if t != nil && another(before.id, t.id) {
		before.first = nil // it was of another log
	}
	if t == nil || t.err {
		if before.deleted && !share {
			before.doubt = before.certain(read.CommitsReadAt)
		}
		return nil, before
	}
	p, exists := t.parts[partition]
	now = past{commit: before.commit, id: t.id, doubt: before.doubt, first: before.first}
	anotherLog := before.deleted || another(before.id, t.id)
	if share {
		anotherLog, now.doubt = false, nil
	}
	if anotherLog {
		now.doubt = before.certain(read.CommitsReadAt)
	}
	if !exists {
		return nil, now
	}
	commit, ok := commitIn(read, topic, partition)
	if !ok {
		return nil, now
	}
	value, now.doubt = m.lag(read, p, commit, now.doubt, anotherLog)
	if value == nil {
		if now.doubt != nil && !anotherLog {
			now.commit = lag.NoOffset
		}
		return nil, now
	}
	now.commit, now.doubt = commit.Offset, nil
	if !share || commit.Offset != lag.NoOffset || commit.BrokerLag >= 0 || m.policy.OffsetReset != lag.ResetLatest {
		now.first = nil
		return value, now
	}
	end := p.end.value
	if now.first == nil || *now.first > end {
		now.first = &end
	}
	since := end - *now.first
	if since > 1<<53 {
		return nil, now
	}
	return &since, now
}

// certain doubts the commit that was last seen.
func (p past) certain(since time.Time) *modelDoubt {
	if p.doubt != nil {
		return &modelDoubt{commit: p.doubt.commit, since: since, certain: true}
	}
	return &modelDoubt{commit: p.commit, since: since, certain: true}
}

// commitIn finds the commit of the partition; ok is false if none can be believed.
func commitIn(read *lag.GroupObservation, topic string, partition int32) (commit commitRow, ok bool) {
	commit, found := commitRow{Partition: partition, Offset: lag.NoOffset, LeaderEpoch: -1, BrokerLag: -1}, 0
	for i := range read.Commits {
		for _, c := range commitRows(&read.Commits[i]) {
			if read.Commits[i].Topic == topic && c.Partition == partition {
				commit, found = c, found+1
			}
		}
	}
	return commit, found <= 1 && commit.Err == nil && commit.Offset >= lag.NoOffset
}

func (m *model) lag(read *lag.GroupObservation, p modelPartition, commit commitRow, doubt *modelDoubt, anotherLog bool) (*int64, *modelDoubt) {
	var known int64
	if read.Type == lag.GroupShare && commit.BrokerLag >= 0 {
		known = commit.BrokerLag
		if commit.Offset >= 0 && !p.end.failed && !p.end.readAt.Before(read.CommitsReadAt) && !p.start.readAt.IsZero() {
			left := p.end.value - max(commit.Offset, p.start.value)
			if known = min(known, left); left < 0 {
				return nil, doubt
			}
		}
		return &known, nil
	}
	if commit.Offset >= 0 && doubt != nil && (anotherLog || doubt.against(commit, read.CommitsReadAt)) {
		return nil, doubt
	}
	end := p.end
	if end.failed || end.readAt.Before(read.CommitsReadAt) {
		return nil, doubt
	}
	if m.policy.ReadCommitted && read.Type != lag.GroupShare {
		end = p.stable
	}
	if end.failed || end.readAt.Before(read.CommitsReadAt) {
		return nil, doubt
	}
	if commit.Offset == lag.NoOffset && m.policy.OffsetReset == lag.ResetLatest {
		return &known, nil
	}
	if p.start.readAt.IsZero() {
		return nil, doubt
	}
	another, unsure := p.truncated(read.Type, commit)
	if commit.Offset > end.value || another {
		if doubt == nil || doubt.commit != commit.Offset || !doubt.certain && doubt.epoch != commit.LeaderEpoch {
			doubt = &modelDoubt{commit: commit.Offset, epoch: commit.LeaderEpoch, since: read.CommitsReadAt}
		}
		return nil, doubt
	}
	if unsure {
		return nil, doubt
	}
	if known = end.value - max(p.start.value, commit.Offset); known < 0 || known > 1<<53 {
		return nil, doubt
	}
	return &known, nil
}
