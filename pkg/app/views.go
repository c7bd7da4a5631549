package app

import (
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Source has the latest snapshot of each cluster, sorted by cluster. They must not change once returned, and asking must not wait.
type Source interface {
	Snapshots() []*lag.Snapshot
}

// configured shows the snapshots of the clusters of one configuration only. While another one is being applied, the store may have
// more or fewer; whoever looks through this sees clusters that fit the other settings it was made with.
type configured struct {
	source   Source
	clusters []string
}

func configuredOnly(source Source, cfg config.Config) configured {
	c := configured{source: source}
	for _, cluster := range cfg.Clusters {
		c.clusters = append(c.clusters, cluster.Name)
	}
	return c
}

// Snapshots returns the latest snapshots. As long as they are the same ones, so is mostly the slice.
func (c configured) Snapshots() []*lag.Snapshot {
	all := c.source.Snapshots()
	other := func(s *lag.Snapshot) bool { return !slices.Contains(c.clusters, s.Cluster) }
	if !slices.ContainsFunc(all, other) {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), other)
}

// handler is an http.Handler that can be replaced while it serves. Requests that it has begun to answer end as they began.
type handler struct{ current atomic.Pointer[http.Handler] }

func (h *handler) set(next http.Handler) { h.current.Store(&next) }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*h.current.Load()).ServeHTTP(w, r)
}
