package lag

import "slices"

// Keep returns what the snapshot would know if no other groups and topics had been collected than those that are kept by name. Nil
// keeps all. Of what is kept, nothing gets older or younger.
func (s *Snapshot) Keep(group, topic func(name string) bool) *Snapshot {
	kept := *s
	if group != nil {
		kept.Groups = slices.DeleteFunc(slices.Clone(s.Groups), func(g *Group) bool { return !group(g.Name) })
		kept.Uncollected = slices.DeleteFunc(slices.Clone(s.Uncollected), func(g UncollectedGroup) bool { return !group(g.Name) })
	}
	if topic != nil {
		kept.Topics = slices.DeleteFunc(slices.Clone(s.Topics), func(t *Topic) bool { return !topic(t.Name) })
		kept.Groups = slices.Clone(kept.Groups)
		for i, g := range kept.Groups {
			kept.Groups[i] = g.keep(topic)
		}
	}
	return &kept
}

// keep returns the group as it would be without the topics that are not kept.
func (g *Group) keep(topic func(name string) bool) *Group {
	if g == nil {
		return nil
	}
	kept := *g
	lacks := func(name string) bool { return !topic(name) }
	ofTopic := func(t TopicLag) bool { return lacks(t.Topic) }
	kept.Topics = slices.DeleteFunc(slices.Clone(g.Topics), ofTopic)
	kept.buried = slices.DeleteFunc(slices.Clone(g.buried), ofTopic)
	kept.DeletedTopics = slices.DeleteFunc(slices.Clone(g.DeletedTopics), lacks)
	kept.left = slices.DeleteFunc(slices.Clone(g.left), lacks)
	kept.LastComplete = g.LastComplete.keep(topic)
	kept.Members = slices.Clone(g.Members)
	for i := range kept.Members {
		m := &kept.Members[i]
		m.Subscribed = slices.DeleteFunc(slices.Clone(m.Subscribed), lacks)
		m.Assigned = slices.DeleteFunc(slices.Clone(m.Assigned), func(a TopicPartitions) bool { return lacks(a.Topic) })
	}
	kept.owned = membership(kept.Members)
	return &kept
}
