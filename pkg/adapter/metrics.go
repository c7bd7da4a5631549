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

// metric is how one metric is taken from a total, and a pod's from its part.
type metric struct {
	name  string
	of    func(lag.Total) (int64, error)
	ofPod func(lag.PodTotal) int64
	adds  bool // the values of two groups add up to that of both
}

func metrics() []metric {
	return []metric{
		{MetricLag, func(t lag.Total) (int64, error) { return t.Lag, nil }, func(p lag.PodTotal) int64 { return p.Lag }, true},
		{MetricLagMax, func(t lag.Total) (int64, error) { return t.MaxLag, nil }, func(p lag.PodTotal) int64 { return p.MaxLag }, false},
		{MetricMembers, func(t lag.Total) (int64, error) { return t.Members, t.MembersErr }, func(p lag.PodTotal) int64 { return p.Members }, true},
		// Without the members, partitions on which the group has committed nothing are missing from the count.
		{MetricPartitions, func(t lag.Total) (int64, error) { return t.Partitions, t.MembersErr }, func(p lag.PodTotal) int64 { return p.Partitions }, true},
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

// topicResource is that of Strimzi's topics.
func topicResource() schema.GroupResource {
	return schema.GroupResource{Group: "kafka.strimzi.io", Resource: "kafkatopics"}
}

// listed are the resources that discovery shows. Every other kind is answered too; which ones the cluster has changes with its
// CustomResourceDefinitions, and no client needs to find them here.
func (p *Provider) listed() []schema.GroupResource {
	objects := []schema.GroupResource{
		{Group: "apps", Resource: "deployments"},
		{Group: "apps", Resource: "replicasets"},
		{Group: "apps", Resource: "statefulsets"},
		topicResource(),
		{Resource: "services"},
	}
	if p.cfg.Pods == nil {
		return objects
	}
	return append([]schema.GroupResource{podResource()}, objects...)
}

// ListAllMetrics implements provider.CustomMetricsProvider. It does not depend on what the snapshots hold: discovery must stay
// the same while Kafka is away, and clients take an empty list for an error.
func (p *Provider) ListAllMetrics() []provider.CustomMetricInfo {
	var all []provider.CustomMetricInfo
	for _, resource := range p.listed() {
		for _, m := range metrics() {
			all = append(all, provider.CustomMetricInfo{GroupResource: resource, Metric: m.name, Namespaced: true})
		}
	}
	for _, m := range metrics() {
		all = append(all, provider.CustomMetricInfo{GroupResource: namespaceResource(), Metric: m.name})
	}
	return all
}
