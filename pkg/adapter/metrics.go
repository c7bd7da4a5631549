package adapter

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// The metrics of the API, each over the selected partitions.
const (
	MetricLag        = "kafka_consumergroup_lag"        // records
	MetricLagMax     = "kafka_consumergroup_lag_max"    // records, on the partition that has the most
	MetricMembers    = "kafka_consumergroup_members"    // members of the groups
	MetricPartitions = "kafka_consumergroup_partitions" // partitions
)

// metric is how one metric is taken from a total.
type metric struct {
	name string
	of   func(lag.Total) (int64, error)
	// split says that pods share the value, so that it adds up to the whole again. Otherwise each pod has the whole: as long as
	// nothing tells which pod reads the partition with the largest lag, it may be any.
	split bool
}

func metrics() []metric {
	return []metric{
		{name: MetricLag, split: true, of: func(t lag.Total) (int64, error) { return t.Lag, nil }},
		{name: MetricLagMax, of: func(t lag.Total) (int64, error) { return t.MaxLag, nil }},
		{name: MetricMembers, split: true, of: func(t lag.Total) (int64, error) { return t.Members, t.MembersErr }},
		// Without the members, partitions on which the group has committed nothing are missing from the count.
		{name: MetricPartitions, split: true, of: func(t lag.Total) (int64, error) { return t.Partitions, t.MembersErr }},
	}
}

// NewAges registers the histogram of the ages of the values that are served. (The library's own, metrics_apiserver_metric_freshness_seconds,
// begins at a second.)
func NewAges(registerer prometheus.Registerer) prometheus.Observer {
	ages := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "kafka_lag_adapter_value_age_seconds",
		Help:    "Age of the values that the metrics API served: the time since the commits behind them were asked for.",
		Buckets: []float64{.1, .25, .5, .75, 1, 1.2, 1.5, 2, 3, 5, 10, 30, 60},
	})
	registerer.MustRegister(ages)
	return ages
}

func metricNames() string {
	var names []string
	for _, m := range metrics() {
		names = append(names, m.name)
	}
	return strings.Join(names, ", ")
}

// podResource is the one resource that is asked for by label selector.
func podResource() schema.GroupResource { return schema.GroupResource{Resource: "pods"} }

// listed are the resources in a namespace that discovery shows. Every other kind that has a scale subresource is answered too; which ones the
// cluster has changes with its CustomResourceDefinitions, and no client needs to find them here.
func listed() []schema.GroupResource {
	return []schema.GroupResource{
		podResource(),
		{Group: "apps", Resource: "deployments"},
		{Group: "apps", Resource: "replicasets"},
		{Group: "apps", Resource: "statefulsets"},
	}
}

// ListAllMetrics implements provider.CustomMetricsProvider. It does not depend on what the snapshots hold: discovery must stay
// the same while Kafka is away, and clients take an empty list for an error.
func (p *Provider) ListAllMetrics() []provider.CustomMetricInfo {
	var all []provider.CustomMetricInfo
	for _, resource := range listed() {
		for _, m := range metrics() {
			all = append(all, provider.CustomMetricInfo{GroupResource: resource, Metric: m.name, Namespaced: true})
		}
	}
	for _, m := range metrics() {
		all = append(all, provider.CustomMetricInfo{GroupResource: namespaceResource(), Metric: m.name})
	}
	return all
}
