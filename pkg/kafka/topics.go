package kafka

import (
	"slices"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// topicsOfGroups returns the names of the topics on which groups have commits or which members read, each once, in order.
func (c *collection) topicsOfGroups() []string {
	seen := make(map[string]bool)
	var names []string
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for i := range c.obs.Groups {
		eachTopic(&c.obs.Groups[i], c.old(c.obs.Groups[i].Name), add)
	}
	slices.Sort(names)
	return names
}

// eachTopic calls do with the topics on which the group has commits or which its members read, with some of them more than once. old
// is what is known of the group from before, nil if nothing is.
func eachTopic(g *lag.GroupObservation, old *lag.Group, do func(name string)) {
	for i := range g.Commits {
		do(g.Commits[i].Topic)
	}
	if g.MembersErr != nil || g.MembersReadAt.IsZero() { // then those before count
		if old != nil {
			old.EachMemberTopic(do)
		}
		return
	}
	for i := range g.Members {
		for _, name := range g.Members[i].Subscribed {
			do(name)
		}
		for j := range g.Members[i].Assigned {
			do(g.Members[i].Assigned[j].Topic)
		}
	}
}

// unlistedTopics returns the topics of groups that the list of all topics lacks, in order.
func (c *collection) unlistedTopics() []string {
	var names []string
	last := ""
	add := func(name string) {
		if name != last && c.topicIndex(name) < 0 { // most members subscribe to the same
			names = append(names, name)
		}
		last = name
	}
	olds := c.prev.Groups
	for i := range c.obs.Groups { // both are in order
		g := &c.obs.Groups[i]
		for len(olds) > 0 && olds[0].Name < g.Name {
			olds = olds[1:]
		}
		if len(olds) > 0 && olds[0].Name == g.Name {
			eachTopic(g, olds[0], add)
		} else {
			eachTopic(g, nil, add)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
