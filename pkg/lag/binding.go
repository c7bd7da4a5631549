package lag

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// GroupsOn narrows the selection to the groups that have a member on one of the pods; of the selection, only Cluster and What
// count. ok is false if there is no such group. An *UnknownError says that this cannot be told now.
//
// The members that were read last count, however long ago, until others are read: a broker that hangs must not take their groups
// from pods. A group whose members were never read may have any, so nothing can be told as long as there is one; but not where
// the reason stays, as a missing right or an old broker: then it has no say unless no other group is found, and so have groups
// beyond the limit of how many are collected.
//
// The index is that of the snapshots, or of ones that have more groups.
func GroupsOn(snapshots []*Snapshot, sel Selection, pods []Pod, all PodDirectory, index *MemberIndex, now time.Time, maxAge time.Duration) (bound Selection, ok bool, err error) {
	f := &finder{list: pods, all: all, index: index}
	s := summation{sel: sel, now: now, maxAge: maxAge}
	if len(snapshots) == 0 {
		return Selection{}, false, s.doubtful(errors.New("no collection has ended yet"), time.Time{})
	}
	found := map[string][]string{} // by cluster
	var names []string
	var doubt error
	for _, snapshot := range s.clusters(snapshots) {
		groups, doubted, err := f.groups(&s, snapshot)
		if err != nil {
			return Selection{}, false, err
		}
		found[snapshot.Cluster] = groups
		names = append(names, groups...)
		doubt = cmp.Or(doubt, doubted)
	}
	if len(names) == 0 {
		return Selection{}, false, doubt
	}
	slices.Sort(names)
	sel.Groups = slices.Compact(names)
	if len(found) > 1 {
		sel.Bound = func(cluster, group string) bool { return slices.Contains(found[cluster], group) }
	}
	return sel, true, nil
}

// on returns the groups that are named for the cluster.
func (sel *Selection) on(cluster string) []string {
	if sel.Bound == nil {
		return sel.Groups
	}
	return slices.DeleteFunc(slices.Clone(sel.Groups), func(group string) bool { return !sel.Bound(cluster, group) })
}

// mayHave says whether the group has, as far as is known, a topic that is selected.
func (g *Group) mayHave(selected func(topic string) bool) bool {
	return selected == nil || g.ReadAt.IsZero() || slices.ContainsFunc(g.Topics, func(t TopicLag) bool { return selected(t.Topic) })
}

// groups returns the groups of one cluster that have a member on one of the pods, in order. doubt says why there may be one if
// there is none; err, why there may be more in any case.
func (f *finder) groups(s *summation, snapshot *Snapshot) (groups []string, doubt, err error) {
	noSay := s.hasNoSay(snapshot)
	if snapshot.ListedAt.IsZero() && !noSay {
		return nil, nil, s.doubtful(snapshot.ListingErr, snapshot.ListedAt)
	}
	if !s.young(snapshot.ListedAt) {
		doubt = s.doubtful(snapshot.ListingErr, snapshot.ListedAt)
	}
	if len(snapshot.Uncollected) > 0 {
		doubt = s.uncollected(snapshot.Uncollected[0].Name)
	}
	for _, g := range snapshot.Groups {
		switch {
		case !g.MembersReadAt.IsZero():
		case lasting(g.MembersErr), noSay:
			doubt = cmp.Or[error](doubt, s.membersUnknown(g))
		default:
			return nil, nil, s.membersUnknown(g)
		}
	}
	for _, name := range f.index.candidates(snapshot.Cluster, f.list, f.all) {
		if g := snapshot.Group(name); g != nil && f.any(g.Members) {
			groups = append(groups, name)
		}
	}
	return groups, doubt, nil
}

// membersUnknown says that it is not known which members a group has.
func (s *summation) membersUnknown(g *Group) *UnknownError {
	err := s.unknown(g, cmp.Or(g.MembersErr, g.Err), g.MembersReadAt)
	err.What = fmt.Sprintf("whether a member of %s runs there", s.name(g))
	return err
}

// lasting says whether an error stays until somebody changes something.
func lasting(err error) bool {
	class := ClassOf(err)
	return err != nil && (class == ClassAuthorization || class == ClassUnsupported)
}

// finder finds members on some pods.
type finder struct {
	list  []Pod
	set   map[Pod]int // of list, once it pays
	all   PodDirectory
	index *MemberIndex
}

// any says whether one of the members runs on one of the pods. Where several pods may be meant, all of them must be among these.
func (f *finder) any(members []Member) bool {
	for i := range members {
		at := place(&members[i], f.all)
		if len(at) > 0 && !slices.ContainsFunc(at, func(pod Pod) bool { return !f.ours(pod, i) }) {
			return true
		}
	}
	return false
}

// ours says whether the pod is one of those that are asked for. Mostly the first member is on one.
func (f *finder) ours(pod Pod, asked int) bool {
	if asked == 0 {
		return slices.Contains(f.list, pod)
	}
	if f.set == nil {
		f.set = indexPods(f.list)
	}
	_, ours := f.set[pod]
	return ours
}
