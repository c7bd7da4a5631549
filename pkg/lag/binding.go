package lag

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// GroupsOn narrows the selection to the groups that have a member on one of the pods; of the selection, only Cluster and What
// count. ok is false if there is no such group. An *UnknownError says that this cannot be told now.
//
// The members that were read last count, however long ago, until others are read: a broker that hangs must not take their groups
// from pods. A group whose members were never read may have any, so nothing can be told as long as there is one; but not where
// the reason stays, as a missing right or an old broker: then it has no say unless no other group is found, and so have groups
// beyond the limit of how many are collected.
func GroupsOn(snapshots []*Snapshot, sel Selection, pods []Pod, all PodDirectory, now time.Time, maxAge time.Duration) (bound Selection, ok bool, err error) {
	f := newFinder(pods, all)
	s := summation{sel: sel, now: now, maxAge: maxAge}
	if len(snapshots) == 0 {
		return Selection{}, false, s.doubtful(errors.New("no collection has ended yet"), time.Time{})
	}
	found := map[string][]string{} // by cluster
	var names []string
	var doubt error
	for _, snapshot := range snapshots {
		if sel.Cluster != nil && !sel.Cluster(snapshot.Cluster) {
			continue
		}
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

// groups returns the groups of one cluster that have a member on one of the pods, in order. doubt says why there may be one if
// there is none; err, why there may be more in any case.
func (f *finder) groups(s *summation, snapshot *Snapshot) (groups []string, doubt, err error) {
	if snapshot.ListedAt.IsZero() {
		return nil, nil, s.doubtful(snapshot.ListingErr, snapshot.ListedAt)
	}
	if !s.young(snapshot.ListedAt) {
		doubt = s.doubtful(snapshot.ListingErr, snapshot.ListedAt)
	}
	if len(snapshot.Uncollected) > 0 {
		doubt = s.uncollected(snapshot.Uncollected[0])
	}
	for _, g := range snapshot.Groups {
		switch {
		case !g.MembersReadAt.IsZero():
			if f.any(g.Members) {
				groups = append(groups, g.Name)
			}
		case lasting(g.MembersErr):
			doubt = cmp.Or[error](doubt, s.membersUnknown(g))
		default:
			return nil, nil, s.membersUnknown(g)
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

// finder finds members on some pods among very many that are elsewhere.
type finder struct {
	pods map[Pod]int
	all  PodDirectory

	addresses map[string]bool // of the pods
	prefix    string          // what all their names begin with
}

func newFinder(pods []Pod, all PodDirectory) *finder {
	f := &finder{pods: indexPods(pods), all: all, addresses: make(map[string]bool, len(pods))}
	for i, pod := range pods {
		for _, address := range all.Addresses(pod) {
			f.addresses[address.String()] = true
		}
		if i == 0 {
			f.prefix = pod.Name
		}
		for !strings.HasPrefix(pod.Name, f.prefix) {
			f.prefix = f.prefix[:len(f.prefix)-1]
		}
	}
	return f
}

// any says whether one of the members runs on one of the pods. Where several pods may be meant, all of them must be among these.
func (f *finder) any(members []Member) bool {
	for i := range members {
		m := &members[i]
		if !f.possible(m) {
			continue
		}
		at := place(m, f.all)
		if len(at) > 0 && !slices.ContainsFunc(at, func(pod Pod) bool { _, ours := f.pods[pod]; return !ours }) {
			return true
		}
	}
	return false
}

// possible says whether the member may be on one of the pods, and costs much less than to find out.
func (f *finder) possible(m *Member) bool {
	if len(f.pods) == 0 {
		return false
	}
	if strings.Contains(m.ClientID, f.prefix) || m.InstanceID != "" && strings.Contains(m.InstanceID, f.prefix) {
		return true
	}
	plain := strings.TrimPrefix(m.ClientHost, "/")
	if f.addresses[plain] {
		return true
	}
	if strings.ContainsAny(plain, "/:") { // IPv6, which has several forms, or more than an address
		address, ok := hostAddress(m.ClientHost)
		return ok && f.addresses[address.String()]
	}
	return false
}
