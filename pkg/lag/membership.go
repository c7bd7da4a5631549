package lag

import (
	"cmp"
	"slices"
)

// memberTopics is what the members of a group tell about its topics. It never changes.
type memberTopics struct {
	subscribed []string // in order
	// assigned are partitions, in order by topic and number, of topics that nobody subscribes to: manual assignments, or a
	// subscription just given up.
	assigned []TopicPartitions
	// patterns says that some member subscribes by a regular expression, so that there may be more topics.
	patterns bool
}

func membership(members []Member) *memberTopics {
	m := &memberTopics{}
	for i := range members {
		m.patterns = m.patterns || members[i].Pattern != ""
		for _, topic := range members[i].Subscribed {
			if len(m.subscribed) == 0 || m.subscribed[len(m.subscribed)-1] != topic { // most members subscribe to the same
				m.subscribed = append(m.subscribed, topic)
			}
		}
	}
	slices.Sort(m.subscribed)
	m.subscribed = slices.Compact(m.subscribed)
	for i := range members {
		for _, a := range members[i].Assigned {
			if len(a.Partitions) > 0 && !m.subscribes(a.Topic) {
				m.assigned = append(m.assigned, a)
			}
		}
	}
	m.assigned = onePerTopic(m.assigned)
	return m
}

// onePerTopic sorts the partitions and puts those of a topic together.
func onePerTopic(all []TopicPartitions) []TopicPartitions {
	slices.SortStableFunc(all, func(a, b TopicPartitions) int { return cmp.Compare(a.Topic, b.Topic) })
	var out []TopicPartitions
	for _, t := range all {
		if n := len(out); n == 0 || out[n-1].Topic != t.Topic {
			out = append(out, TopicPartitions{Topic: t.Topic})
		}
		last := &out[len(out)-1]
		last.Partitions = append(last.Partitions, t.Partitions...)
	}
	for i := range out {
		slices.Sort(out[i].Partitions)
		out[i].Partitions = slices.Compact(out[i].Partitions)
	}
	return out
}

// with adds the partitions of a reading before, all of the topic's where it could not tell which the group has.
func (m *memberTopics) with(topics []TopicLag) *memberTopics {
	sum := &memberTopics{subscribed: slices.Clone(m.subscribed), patterns: m.patterns}
	assigned := slices.Clone(m.assigned)
	for i := range topics {
		if topics[i].moreRows {
			sum.subscribed = append(sum.subscribed, topics[i].Topic)
		}
		numbers := make([]int32, len(topics[i].Partitions))
		for j := range numbers {
			numbers[j] = topics[i].Partitions[j].Partition
		}
		assigned = append(assigned, TopicPartitions{Topic: topics[i].Topic, Partitions: numbers})
	}
	slices.Sort(sum.subscribed)
	sum.subscribed = slices.Compact(sum.subscribed)
	sum.assigned = onePerTopic(assigned)
	return sum
}

// EachMemberTopic calls do with each topic that the members read, in no particular order.
func (g *Group) EachMemberTopic(do func(topic string)) {
	if g.owned == nil {
		return
	}
	for _, topic := range g.owned.subscribed {
		do(topic)
	}
	for i := range g.owned.assigned {
		do(g.owned.assigned[i].Topic)
	}
}

func (m *memberTopics) subscribes(topic string) bool {
	_, found := slices.BinarySearch(m.subscribed, topic)
	return found
}

func (m *memberTopics) of(topic string) []int32 {
	i, found := slices.BinarySearchFunc(m.assigned, topic, func(t TopicPartitions, name string) int { return cmp.Compare(t.Topic, name) })
	if !found {
		return nil
	}
	return m.assigned[i].Partitions
}

// tell says whether the members tell all the topics to which they subscribe.
func (m *memberTopics) tell() bool { return len(m.subscribed)+len(m.assigned) > 0 && !m.patterns }

// sameMembers says whether both are the very same reading.
func sameMembers(a, b []Member) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
