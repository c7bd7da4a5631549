package tenants

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Source has the latest snapshots, one per cluster. They must not change once returned.
type Source interface {
	Snapshots() []*lag.Snapshot
}

// Open shows every namespace everything.
type Open struct{ Source Source }

// Snapshots returns the latest snapshots.
func (o Open) Snapshots(string) []*lag.Snapshot { return o.Source.Snapshots() }

// Isolated shows each namespace only the groups that it was granted. Its methods may be called from any goroutine, and no call
// waits for another.
type Isolated struct {
	source Source
	grants Grants
	latest atomic.Pointer[views]
}

// views are what the namespaces were shown of the same snapshots.
type views struct {
	of    []*lag.Snapshot
	shown sync.Map // namespace → []*lag.Snapshot
}

// NewIsolated returns an Isolated.
func NewIsolated(source Source, grants Grants) *Isolated {
	return &Isolated{source: source, grants: grants}
}

// Snapshots returns the latest snapshots without the groups that the namespace was not granted. Until there are later ones,
// every call for the namespace returns the same.
func (i *Isolated) Snapshots(namespace string) []*lag.Snapshot {
	snapshots := i.source.Snapshots()
	latest := i.latest.Load()
	if latest == nil || !slices.Equal(latest.of, snapshots) {
		latest = &views{of: snapshots}
		i.latest.Store(latest)
	}
	if _, named := i.grants[namespace]; !named {
		namespace = "" // those without a grant see the same: who asks must not decide how many views are kept
	}
	if shown, ok := latest.shown.Load(namespace); ok {
		return shown.([]*lag.Snapshot)
	}
	view := make([]*lag.Snapshot, len(snapshots))
	for n, s := range snapshots {
		view[n] = i.grants[namespace].view(s)
	}
	shown, _ := latest.shown.LoadOrStore(namespace, view)
	return shown.([]*lag.Snapshot)
}
