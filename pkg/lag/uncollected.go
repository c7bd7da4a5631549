package lag

import (
	"cmp"
	"slices"
)

// UncollectedGroup is a group that exists but is left out, as there are more than the limit.
type UncollectedGroup struct {
	Name string
	// Type and Coordinator are what is needed to read it when it is asked for.
	Type        GroupType
	Coordinator int32
	// Wanted says that it was left out although it is asked for: there is no room for all that are.
	Wanted bool
}

// UncollectedGroup returns the group of that name that is left out, nil if there is none.
func (s *Snapshot) UncollectedGroup(name string) *UncollectedGroup {
	return findUncollected(s.Uncollected, name)
}

func findUncollected(groups []UncollectedGroup, name string) *UncollectedGroup {
	i, found := slices.BinarySearchFunc(groups, name, func(g UncollectedGroup, name string) int { return cmp.Compare(g.Name, name) })
	if !found {
		return nil
	}
	return &groups[i]
}

// leftOut says whether the collection leaves out a group that is known. One that was read since the collection began was asked for
// since, and the next one will know of that.
func (c *computation) leftOut(old *Group) bool {
	left := findUncollected(c.obs.Uncollected, old.Name)
	if left == nil {
		return false
	}
	if !left.Wanted && old.ReadAt.After(c.obs.StartedAt) {
		c.collected(old.Name)
		return false
	}
	return true
}

// collected takes a group out of those that are left out.
func (c *computation) collected(name string) {
	if findUncollected(c.next.Uncollected, name) != nil {
		c.next.Uncollected = slices.DeleteFunc(slices.Clone(c.next.Uncollected), func(g UncollectedGroup) bool { return g.Name == name })
	}
}
