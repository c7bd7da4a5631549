package lag

import (
	"errors"
	"time"
)

// GroupTotal is the part of one consumer group in the answer for a selection.
type GroupTotal struct {
	Cluster string
	Group   string
	Total
}

// SumGroups is Sum before the last addition: the total of each selected group that has selected partitions or members, by
// cluster and name. Their lags, partitions and members add up to those of Sum, the largest MaxLag is Sum's, and it fails where
// Sum does: one group that is unknown leaves no part of the answer.
func SumGroups(snapshots []*Snapshot, sel Selection, now time.Time, maxAge time.Duration) ([]GroupTotal, error) {
	whole := summation{sel: sel, now: now, maxAge: maxAge}
	if len(snapshots) == 0 {
		return nil, whole.doubtful(errors.New("no collection has ended yet"), time.Time{})
	}
	var parts []GroupTotal
	for _, snapshot := range whole.clusters(snapshots) {
		groups, err := whole.groups(snapshot)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			part, err := whole.part(g)
			if err != nil {
				return nil, err
			}
			if part.Partitions > 0 || part.Members > 0 || part.MembersErr != nil {
				parts = append(parts, GroupTotal{Cluster: snapshot.Cluster, Group: g.Name, Total: part})
			}
		}
	}
	if err := whole.missed(); err != nil {
		return nil, err
	}
	if whole.total.Partitions == 0 {
		return nil, whole.nothing()
	}
	return parts, nil
}

// part returns the total of one group, and adds to the whole what bounds it.
func (s *summation) part(g *Group) (Total, error) {
	one := summation{sel: s.sel, now: s.now, maxAge: s.maxAge, several: s.several, cluster: s.cluster}
	if err := one.add(g); err != nil {
		return Total{}, err
	}
	if one.total.Partitions == 0 {
		one.total.ReadAt = g.ReadAt
	}
	if s.total.Lag += one.total.Lag; s.total.Lag > MaxLag { // whoever adds up the parts must not run into it
		return Total{}, s.unknown(g, contradiction("sum", ClassProtocol, "a sum above 2^53 records is not believed"), one.total.ReadAt)
	}
	s.total.Partitions += one.total.Partitions
	s.empty = append(s.empty, one.empty...)
	return one.total, nil
}
