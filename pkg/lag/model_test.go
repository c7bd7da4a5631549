package lag_test

import (
	"slices"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// model says what the answers must be, in the plainest way: it keeps every reading there ever was, in maps, and searches them
// back from the latest. It shares nothing with the code under test.
type model struct {
	earliest bool
	topics   map[string]*modelTopic
	groups   map[string]*modelGroup
	listedAt int // second; -1 if never
}

type modelTopic struct {
	id     [16]byte
	err    bool // it could not be read
	absent bool // because it does not exist
	missed int
	starts map[int32]int64          // the last ones that were read
	parts  map[int32]*lag.Partition // as listed
}

type modelGroup struct {
	missed     int
	members    []lag.Member
	rebalances bool
	readings   []reading
}

// reading is what one collection told of a group.
type reading struct {
	second int
	rows   map[string]map[int32]*int64 // nil where the lag is not known
	more   map[string]bool             // topics whose partitions are not all known
}

func newModel(p lag.Policy) *model {
	return &model{earliest: p.OffsetReset == lag.ResetEarliest, topics: map[string]*modelTopic{}, groups: map[string]*modelGroup{}, listedAt: -1}
}

func (m *model) observe(o *lag.Observation, second int) {
	if o.MetadataErr == nil {
		seen := map[string]*modelTopic{}
		for i := range o.Topics {
			seen[o.Topics[i].Name] = m.topic(&o.Topics[i])
		}
		m.topics = seen
	}
	listed := map[string]bool{}
	for i := range o.Groups {
		listed[o.Groups[i].Name] = true
		m.group(&o.Groups[i], o.MetadataErr != nil, second)
	}
	if o.ListingErr != nil {
		return
	}
	m.listedAt = second
	for name, g := range m.groups {
		if listed[name] {
			continue
		}
		if g.missed++; g.missed == 2 {
			delete(m.groups, name)
		}
	}
}

func (m *model) topic(read *lag.Topic) *modelTopic {
	old := m.topics[read.Name]
	if old == nil {
		old = &modelTopic{id: read.ID, starts: map[int32]int64{}, missed: 1}
	}
	if read.Err != nil {
		old.err, old.absent = true, lag.ClassOf(read.Err) == lag.ClassNotFound
		if old.absent {
			old.missed++
		}
		if old.gone() {
			old.parts = nil
		}
		return old
	}
	t := &modelTopic{id: read.ID, starts: map[int32]int64{}, parts: map[int32]*lag.Partition{}}
	for i := range read.Partitions {
		p := &read.Partitions[i]
		t.parts[p.Partition] = p
		if start, ok := old.starts[p.Partition]; ok && old.id == read.ID {
			t.starts[p.Partition] = start
		}
		if p.Start.Err == nil {
			t.starts[p.Partition] = p.Start.Value
		}
	}
	return t
}

func (t *modelTopic) gone() bool { return t.absent && t.missed >= 2 }

func (m *model) group(read *lag.GroupObservation, metadataErr bool, second int) {
	g := m.groups[read.Name]
	if g == nil {
		g = &modelGroup{}
		m.groups[read.Name] = g
	}
	g.missed = 0
	membersRead := read.MembersErr == nil && !read.MembersReadAt.IsZero()
	if membersRead {
		g.members, g.rebalances = read.Members, read.State == "PreparingRebalance"
	}
	switch {
	case read.CommitsErr != nil, read.CommitsReadAt.IsZero(), metadataErr:
		return
	case m.earliest && (!membersRead || g.rebalances && len(g.readings) == 0):
		return
	}
	g.readings = append(g.readings, m.read(g, read, second))
}

func (m *model) read(g *modelGroup, read *lag.GroupObservation, second int) reading {
	r := reading{second: second, rows: map[string]map[int32]*int64{}, more: map[string]bool{}}
	add := func(topic string, partition int32) {
		if t := m.topics[topic]; t != nil && t.gone() {
			return
		}
		if r.rows[topic] == nil {
			r.rows[topic] = map[int32]*int64{}
		}
		r.rows[topic][partition] = m.lag(read, topic, partition)
	}
	for _, t := range read.Commits {
		for _, c := range t.Partitions {
			add(t.Topic, c.Partition)
		}
	}
	addAll := func(topic string) {
		t := m.topics[topic]
		if t == nil || t.err && !t.gone() {
			r.more[topic] = true
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
	if g.rebalances && len(g.readings) > 0 {
		before := g.readings[len(g.readings)-1]
		for topic, rows := range before.rows {
			for p := range rows {
				add(topic, p)
			}
		}
		for topic := range before.more {
			addAll(topic)
		}
	}
	return r
}

// lag returns nil if it is not known.
func (m *model) lag(read *lag.GroupObservation, topic string, partition int32) *int64 {
	commit, found := lag.NoOffset, 0
	for _, t := range read.Commits {
		for _, c := range t.Partitions {
			if t.Topic == topic && c.Partition == partition {
				if found++; c.Err != nil || c.Offset < lag.NoOffset || found > 1 {
					return nil
				}
				commit = c.Offset
			}
		}
	}
	t := m.topics[topic]
	if t == nil || t.err || t.parts[partition] == nil {
		return nil
	}
	end := t.parts[partition].End
	if end.Err != nil || end.Value < 0 || end.ReadAt.Before(read.CommitsReadAt) {
		return nil
	}
	var known int64
	if commit == lag.NoOffset && !m.earliest {
		return &known
	}
	start, ok := t.starts[partition]
	if known = end.Value - max(start, commit); !ok || known < 0 || known > 1<<53 {
		return nil
	}
	return &known
}

// answer is what a sum must be: unknown, absent, or one of the readings from atLeast to the latest that knew all of what is
// selected. Where there is a choice the newer one is better, but Compute need not keep every reading there ever was.
type answer struct {
	unknown, absent bool
	allowed         []reading
}

func (m *model) answer(q query, now int) answer {
	young := func(second int) bool { return second >= 0 && now-second <= int(maxAge.Seconds()) }
	g := m.groups[q.group]
	switch {
	case g == nil:
		return answer{absent: young(m.listedAt), unknown: !young(m.listedAt)}
	case len(g.readings) == 0:
		return answer{unknown: true}
	}
	latest := g.readings[len(g.readings)-1]
	if _, state := latest.sum(q); state == none {
		return answer{absent: young(latest.second), unknown: !young(latest.second)}
	}
	atLeast, must := m.kept(g.readings, q)
	a := answer{unknown: !must || !young(atLeast)}
	for _, r := range g.readings {
		if _, state := r.sum(q); state == whole && young(r.second) && (!must || r.second >= atLeast) {
			a.allowed = append(a.allowed, r)
		}
	}
	return a
}

// kept returns the second of the newest reading that must not be forgotten, if there is one.
func (m *model) kept(readings []reading, q query) (second int, must bool) {
	keep := func(r reading) {
		if _, state := r.sum(q); state == whole {
			second, must = max(second, r.second), true
		}
	}
	keep(readings[len(readings)-1])
	for _, r := range slices.Backward(readings) {
		if _, state := r.sum(everything()); state != partly { // the group's last complete reading
			keep(r)
			break
		}
	}
	if len(q.topics) > 1 {
		return second, must
	}
	for _, r := range slices.Backward(readings) { // the topic's, as far back as every reading tells something of it
		_, state := r.sum(query{topics: q.topics, partitions: everything().partitions})
		if state == whole {
			keep(r)
		}
		if state != partly {
			break
		}
	}
	return second, must
}

type completeness int

const (
	none, partly, whole completeness = 0, 1, 2 // nothing is selected; something that is selected is not known; all of it is
)

// sum adds up what is selected.
func (r reading) sum(q query) (total lag.Total, state completeness) {
	total.ReadAt = at(r.second)
	found, known := false, true
	for _, topic := range q.topics {
		if r.more[topic] {
			found, known = true, false
		}
		for _, p := range q.partitions {
			row, ok := r.rows[topic][p]
			if !ok {
				continue
			}
			found = true
			if row == nil {
				known = false
				continue
			}
			total.Lag, total.MaxLag = total.Lag+*row, max(total.MaxLag, *row)
			total.Partitions++
		}
	}
	switch {
	case !found:
		return total, none
	case !known:
		return total, partly
	}
	return total, whole
}
