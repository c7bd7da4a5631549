package kafka

import (
	"cmp"
	"slices"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Which groups are kept when there are too many: first those that somebody asks for, then those that were kept before, so that the
// choice is stable, then by name.
const (
	rankWanted = iota
	rankKept
	rankOther
)

func (c *collection) rank(group string) int {
	switch {
	case c.wanted[group]:
		return rankWanted
	case c.old(group) != nil:
		return rankKept
	}
	return rankOther
}

// limitGroups leaves groups out if there are more than the limit.
func (c *collection) limitGroups() {
	total := 0
	for _, part := range c.parts {
		total += len(part)
	}
	limit := c.reader.cfg.MaxGroups
	if limit <= 0 || total <= limit {
		return
	}
	c.leaveOut(func(lag.GroupObservation) int { return 1 }, limit)
}

// limitPartitions leaves groups out if they have more partitions with commits than the limit.
func (c *collection) limitPartitions() {
	limit := c.reader.cfg.MaxPartitions
	if limit <= 0 {
		return
	}
	c.leaveOut(func(g lag.GroupObservation) int {
		n := 0
		for i := range g.Commits {
			n += len(g.Commits[i].Partitions)
		}
		return n
	}, limit)
}

// leaveOut leaves out the groups that, in the order of their rank, come when the limit has been used up. A group that could not be
// read costs nothing.
func (c *collection) leaveOut(cost func(lag.GroupObservation) int, limit int) {
	type candidate struct {
		lag.UncollectedGroup
		rank, cost int
	}
	var all []candidate
	total := 0
	for _, part := range c.groupLists() {
		for _, g := range part {
			n := cost(g)
			total += n
			left := lag.UncollectedGroup{Name: g.Name, Type: g.Type, Coordinator: g.Coordinator, Wanted: c.wanted[g.Name]}
			all = append(all, candidate{left, c.rank(g.Name), n})
		}
	}
	if total <= limit {
		return
	}
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Name, b.Name)) })
	out := make(map[string]bool)
	used := 0
	for _, g := range all {
		used += g.cost
		if used > limit && g.cost > 0 {
			out[g.Name] = true
			c.obs.Uncollected = append(c.obs.Uncollected, g.UncollectedGroup)
		}
	}
	drop := func(part []lag.GroupObservation) []lag.GroupObservation {
		return slices.DeleteFunc(part, func(g lag.GroupObservation) bool { return out[g.Name] })
	}
	for i := range c.parts {
		c.parts[i] = drop(c.parts[i])
	}
	c.obs.Groups = drop(c.obs.Groups)
	slices.SortFunc(c.obs.Uncollected, func(a, b lag.UncollectedGroup) int { return cmp.Compare(a.Name, b.Name) })
	c.obs.Uncollected = slices.CompactFunc(c.obs.Uncollected, func(a, b lag.UncollectedGroup) bool { return a.Name == b.Name })
}

// leftOut says whether the group was left out.
func (c *collection) leftOut(group string) bool {
	_, found := slices.BinarySearchFunc(c.obs.Uncollected, group, func(g lag.UncollectedGroup, name string) int { return cmp.Compare(g.Name, name) })
	return found
}

func (c *collection) groupLists() [][]lag.GroupObservation {
	if len(c.obs.Groups) > 0 {
		return [][]lag.GroupObservation{c.obs.Groups}
	}
	return c.parts
}
