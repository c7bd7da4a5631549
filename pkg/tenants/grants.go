package tenants

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Grant is what one namespace may know of: the groups that any of the three names.
type Grant struct {
	Names    []string
	Prefixes []string
	Patterns []*regexp.Regexp // each matches whole names
}

// Grants are the grants of all namespaces. They do not change.
type Grants map[string]Grant

// Allows says whether the group is granted to the namespace.
func (g Grants) Allows(namespace, group string) bool {
	grant := g[namespace]
	return slices.Contains(grant.Names, group) ||
		slices.ContainsFunc(grant.Prefixes, func(prefix string) bool { return strings.HasPrefix(group, prefix) }) ||
		slices.ContainsFunc(grant.Patterns, func(pattern *regexp.Regexp) bool { return pattern.MatchString(group) })
}

// Selection returns the selection of the groups that are granted to the namespace; ok is false if it was granted none.
func (g Grants) Selection(namespace string) (selection lag.Selection, ok bool) {
	grant, ok := g[namespace]
	selection.What = fmt.Sprintf("the groups granted to namespace %q", namespace)
	if len(grant.Prefixes)+len(grant.Patterns) == 0 {
		selection.Groups = grant.Names // by name, the answer does not depend on every group's being listed
		return selection, ok
	}
	selection.Group = func(group string) bool { return g.Allows(namespace, group) }
	return selection, ok
}

// view returns the snapshot without the groups that are not granted.
func (g Grant) view(s *lag.Snapshot) *lag.Snapshot {
	return s.Restricted(
		granted(g, s.Groups, func(group *lag.Group) string { return group.Name }),
		granted(g, s.Uncollected, func(name string) string { return name }))
}

// granted returns those of all, which are in order by name, that the grant names. What is granted by name or prefix is found by
// binary search; only patterns have to be tried, on the names that begin as the pattern does.
func granted[T any](g Grant, all []T, name func(T) string) []T {
	var found []int
	from := func(text string) int {
		i, _ := slices.BinarySearchFunc(all, text, func(item T, text string) int { return cmp.Compare(name(item), text) })
		return i
	}
	for _, exact := range g.Names {
		if i := from(exact); i < len(all) && name(all[i]) == exact {
			found = append(found, i)
		}
	}
	for _, prefix := range g.Prefixes {
		for i := from(prefix); i < len(all) && strings.HasPrefix(name(all[i]), prefix); i++ {
			found = append(found, i)
		}
	}
	for _, pattern := range g.Patterns {
		prefix, _ := pattern.LiteralPrefix()
		for i := from(prefix); i < len(all) && strings.HasPrefix(name(all[i]), prefix); i++ {
			if pattern.MatchString(name(all[i])) {
				found = append(found, i)
			}
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	items := make([]T, len(found))
	for i, at := range found {
		items[i] = all[at]
	}
	return items
}
