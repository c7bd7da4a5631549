package exporter

import (
	"slices"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Dialect names the schema of another exporter, whose families can be served besides those of kafka_exporter.
type Dialect string

// The dialects that can be added.
const (
	KMinion          Dialect = "kminion"
	KafkaLagExporter Dialect = "kafka-lag-exporter"
	Burrow           Dialect = "burrow"
)

// Dialects lists them all.
func Dialects() []Dialect { return []Dialect{KMinion, KafkaLagExporter, Burrow} }

// Option adds to what a Handler serves.
type Option func(*Handler)

// With adds the families of a dialect. groups says of which consumer groups they tell, nil of all; what the dialect tells of topics
// it tells of all.
func With(name Dialect, groups func(cluster, group string) bool) Option {
	return func(h *Handler) {
		var d dialect
		switch name {
		case KMinion:
			d = kminion()
		case KafkaLagExporter:
			d = kafkaLagExporter()
		case Burrow:
			d = burrow()
		}
		d.groups = groups
		h.add(d)
	}
}

// dialect is a schema: families, and what they call their labels.
type dialect struct {
	families []family
	names    labelNames
	// cluster is the label that every sample has its cluster in; if it is empty, samples are labelled with their cluster only
	// where there are several.
	cluster string
	groups  func(cluster, group string) bool // which it tells of; nil for all
}

// labelNames are what a dialect calls the labels that all have.
type labelNames struct{ group, topic, partition string }

// view returns the snapshots with those groups alone that the dialect tells of.
func (d *dialect) view(snapshots []*lag.Snapshot) []*lag.Snapshot {
	if d.groups == nil {
		return snapshots
	}
	out := make([]*lag.Snapshot, len(snapshots))
	for i, s := range snapshots {
		chosen := *s
		chosen.Groups = slices.DeleteFunc(slices.Clone(s.Groups), func(g *lag.Group) bool { return !d.groups(s.Cluster, g.Name) })
		out[i] = &chosen
	}
	return out
}
