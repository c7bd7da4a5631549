package lag

// Restricted returns the snapshot as it would be if the cluster had no other groups than these, which are some of the snapshot's
// in the same order. What it does not need to answer for them it does not have: brokers and topics are everybody's.
func (s *Snapshot) Restricted(groups []*Group, uncollected []UncollectedGroup) *Snapshot {
	return &Snapshot{ // named one by one, so that what a Snapshot gets to know in addition is not shown by accident
		Cluster: s.Cluster, TakenAt: s.TakenAt, Awaited: s.Awaited,
		ListingErr: s.ListingErr, ListedAt: s.ListedAt, Groups: groups, Uncollected: uncollected,
		coordinators: s.coordinators, listings: s.listings,
	}
}
