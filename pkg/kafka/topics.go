package kafka

import (
	"slices"
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
		g := &c.obs.Groups[i]
		for j := range g.Commits {
			add(g.Commits[j].Topic)
		}
		for _, m := range c.members(g) {
			for _, name := range m.Subscribed {
				add(name)
			}
			for j := range m.Assigned {
				add(m.Assigned[j].Topic)
			}
		}
	}
	slices.Sort(names)
	return names
}

// unlistedTopics returns the topics of groups that the list of all topics lacks.
func (c *collection) unlistedTopics() []string {
	return slices.DeleteFunc(c.topicsOfGroups(), func(name string) bool { return c.topicIndex(name) >= 0 })
}
