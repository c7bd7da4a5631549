package adapter

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/metrics/pkg/apis/external_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

var _ provider.ExternalMetricsProvider = (*Provider)(nil)

// GetExternalMetric answers for the groups that the selector selects, or without one for those that are bound to the namespace.
// There is one item for each group, as the HorizontalPodAutoscaler adds the items up; of what does not add up, only the item of
// the group that has the most.
func (p *Provider) GetExternalMetric(ctx context.Context, namespace string, metricSelector labels.Selector,
	external provider.ExternalMetricInfo,
) (*external_metrics.ExternalMetricValueList, error) {
	info := provider.CustomMetricInfo{GroupResource: namespaceResource(), Metric: external.Metric}
	m, err := find(namespace, info)
	if err != nil {
		return nil, err
	}
	snapshots, selection, err := p.bind(ctx, info, namespaceTarget(namespace, metricSelector))
	if err != nil {
		return nil, err
	}
	groups, err := lag.SumGroups(snapshots, selection, p.cfg.Now(), p.cfg.MaxAge)
	if err != nil {
		return nil, statusFor(info, err)
	}
	items, err := externalItems(m, groups)
	if err != nil {
		return nil, statusFor(info, err)
	}
	p.observeAge(oldest(items).Time)
	return &external_metrics.ExternalMetricValueList{Items: items}, nil
}

// externalItems returns the items for the totals of groups, of which one at least has a partition.
func externalItems(m metric, groups []lag.GroupTotal) ([]external_metrics.ExternalMetricValue, error) {
	items := make([]external_metrics.ExternalMetricValue, 0, len(groups))
	for i := range groups {
		value, err := m.of(groups[i].Total)
		if err != nil {
			return nil, err
		}
		if groups[i].Partitions > 0 || value > 0 { // of the others only the members may count
			items = append(items, externalItem(m, &groups[i], value))
		}
	}
	if m.adds {
		return items, nil
	}
	most := slices.MaxFunc(items, func(a, b external_metrics.ExternalMetricValue) int { return a.Value.Cmp(b.Value) })
	most.Timestamp = oldest(items) // that no other group has more is known since then
	return []external_metrics.ExternalMetricValue{most}, nil
}

// oldest returns the time of the item that was read first.
func oldest(items []external_metrics.ExternalMetricValue) metav1.Time {
	return slices.MinFunc(items, func(a, b external_metrics.ExternalMetricValue) int { return a.Timestamp.Compare(b.Timestamp.Time) }).Timestamp
}

func externalItem(m metric, group *lag.GroupTotal, value int64) external_metrics.ExternalMetricValue {
	return external_metrics.ExternalMetricValue{
		MetricName:   m.name,
		MetricLabels: map[string]string{labelCluster: group.Cluster, labelGroup: group.Group},
		Timestamp:    metav1.NewTime(group.ReadAt),
		Value:        *resource.NewQuantity(value, resource.DecimalSI),
	}
}

// ListAllExternalMetrics implements provider.ExternalMetricsProvider. Like ListAllMetrics, it does not depend on Kafka.
func (p *Provider) ListAllExternalMetrics() []provider.ExternalMetricInfo {
	var all []provider.ExternalMetricInfo
	for _, m := range metrics() {
		all = append(all, provider.ExternalMetricInfo{Metric: m.name})
	}
	return all
}
