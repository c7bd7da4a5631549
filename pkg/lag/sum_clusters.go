package lag

import (
	"fmt"
	"iter"
)

// What a selection that names no cluster says of several: a group is where it is found. So that a cluster that fails takes no group of
// another with it, the last list of groups that it gave counts, however old that is, for groups that are found elsewhere; and a cluster
// has no say before it has given one. At the start of the program that is waited for, for as long as values may be old: it would have
// given its list by then if it were not failing. Who names clusters gets the sum over all of them, or none.

// clusters gives the snapshots of the selected clusters in turn.
func (s *summation) clusters(snapshots []*Snapshot) iter.Seq2[int, *Snapshot] {
	selected := func(snapshot *Snapshot) bool { return s.sel.Cluster == nil || s.sel.Cluster(snapshot.Cluster) }
	n := 0
	for _, snapshot := range snapshots {
		if selected(snapshot) {
			n++
		}
	}
	s.several = n > 1
	return func(yield func(int, *Snapshot) bool) {
		for i, snapshot := range snapshots {
			if !selected(snapshot) {
				continue
			}
			if s.cluster = snapshot.Cluster; !yield(i, snapshot) {
				return
			}
		}
	}
}

// named returns those of the groups that the selection names.
func (s *summation) named(snapshot *Snapshot) (groups []*Group, err error) {
	for _, name := range s.sel.on(snapshot.Cluster) {
		if g := snapshot.Group(name); g != nil {
			groups = append(groups, g)
			s.find(name)
			continue
		}
		if snapshot.UncollectedGroup(name) != nil {
			return nil, s.uncollected(name)
		}
		at := snapshot.listedFor(name)
		if s.young(at) {
			continue
		}
		err := s.doubtful(snapshot.ListingErr, at)
		if !s.anywhere() || at.IsZero() && !s.hasNoSay(snapshot) {
			return nil, err
		}
		s.doubts = append(s.doubts, doubtOf{name, err})
	}
	return groups, nil
}

// anywhere says whether what is selected is looked for on several clusters of which none is named.
func (s *summation) anywhere() bool { return s.several && s.sel.Cluster == nil }

// hasNoSay says whether what the cluster may have does not matter, if there is something elsewhere.
func (s *summation) hasNoSay(snapshot *Snapshot) bool {
	awaited := !snapshot.Awaited.IsZero() && s.now.Sub(snapshot.Awaited) <= s.maxAge
	return s.anywhere() && snapshot.ListedAt.IsZero() && !awaited
}

// there says on which cluster it is, where there are several.
func (s *summation) there() string {
	if !s.several {
		return ""
	}
	return fmt.Sprintf(" on cluster %q", s.cluster)
}

// doubtOf is that a cluster may have the group, or where it is empty, any that is selected.
type doubtOf struct {
	group string
	err   error
}

func (s *summation) find(group string) {
	if !s.several {
		return
	}
	if s.found == nil {
		s.found = map[string]bool{}
	}
	s.found[group] = true
}

// missed returns the doubt about a group that was found nowhere, nil if there is none.
func (s *summation) missed() error {
	for _, doubt := range s.doubts {
		if doubt.group == "" && s.total.Partitions == 0 || doubt.group != "" && !s.found[doubt.group] {
			return doubt.err
		}
	}
	return nil
}
