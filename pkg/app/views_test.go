package app

import (
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Whoever shows clusters as one configuration says must not see those of another that the store has at the same time.
func TestViewsSeeTheClustersThatTheyWereMadeFor(t *testing.T) {
	store := &collector.Store{}
	view := configuredOnly(store, config.Config{Clusters: []config.Cluster{{Name: "a"}, {Name: "c"}}})
	if len(view.Snapshots()) > 0 {
		t.Error("there is something before there is anything")
	}
	store.Publish(&lag.Snapshot{Cluster: "a"})
	if got, all := view.Snapshots(), store.Snapshots(); len(got) != 1 || &got[0] != &all[0] {
		t.Errorf("%d clusters, or not the store's own list", len(got))
	}
	store.Publish(&lag.Snapshot{Cluster: "b"})
	store.Publish(&lag.Snapshot{Cluster: "c"})
	if got := view.Snapshots(); len(got) != 2 || got[0].Cluster != "a" || got[1].Cluster != "c" || len(store.Snapshots()) != 3 {
		t.Errorf("%d clusters of %d", len(got), len(store.Snapshots()))
	}
}
