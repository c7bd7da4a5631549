package collector

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Store holds the latest snapshot of each cluster. Reading it never waits, not even for a writer.
type Store struct {
	mu        sync.Mutex // taken by writers
	snapshots atomic.Pointer[[]*lag.Snapshot]
}

// Snapshots returns the latest snapshot of each cluster that was collected, sorted by cluster. The caller must not change the
// slice: between two publications, every call returns the same one.
func (s *Store) Snapshots() []*lag.Snapshot {
	if p := s.snapshots.Load(); p != nil {
		return *p
	}
	return nil
}

// Publish replaces the snapshot of one cluster.
func (s *Store) Publish(snapshot *lag.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := slices.Clone(s.Snapshots())
	i, found := slices.BinarySearchFunc(next, snapshot.Cluster, func(s *lag.Snapshot, c string) int { return cmp.Compare(s.Cluster, c) })
	if found {
		next[i] = snapshot
	} else {
		next = slices.Insert(next, i, snapshot)
	}
	s.snapshots.Store(&next)
}

// Remove forgets a cluster.
func (s *Store) Remove(cluster string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := slices.DeleteFunc(slices.Clone(s.Snapshots()), func(s *lag.Snapshot) bool { return s.Cluster == cluster })
	s.snapshots.Store(&next)
}
