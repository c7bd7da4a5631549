package lag

import (
	"fmt"
	"iter"
)

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

// there says on which cluster it is, where there are several.
func (s *summation) there() string {
	if !s.several {
		return ""
	}
	return fmt.Sprintf(" on cluster %q", s.cluster)
}

// namedDoubt is that a group of the name may have come to be since its cluster last gave its list.
type namedDoubt struct {
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

// missed returns the doubt about a group that no cluster is known to have, nil if there is none. Where one has it, the lists of the
// others count however old they are, so that a cluster that fails takes no group of another with it; a cluster whose list was
// never read may have it all the same.
func (s *summation) missed() error {
	for _, doubt := range s.doubts {
		if !s.found[doubt.group] {
			return doubt.err
		}
	}
	return nil
}
