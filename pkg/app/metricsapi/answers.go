package metricsapi

import (
	"context"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"k8s.io/metrics/pkg/apis/external_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/adapter"
)

// answers gives each request to the Provider that is current when it comes, which can be replaced while the server runs.
type answers struct {
	current atomic.Pointer[adapter.Provider]
}

var _ provider.MetricsProvider = (*answers)(nil)

func (a *answers) set(next *adapter.Provider) { a.current.Store(next) }

// GetMetricByName implements provider.CustomMetricsProvider.
func (a *answers) GetMetricByName(ctx context.Context, name types.NamespacedName, info provider.CustomMetricInfo,
	metricSelector labels.Selector,
) (*custom_metrics.MetricValue, error) {
	return a.current.Load().GetMetricByName(ctx, name, info, metricSelector)
}

// GetMetricBySelector implements provider.CustomMetricsProvider.
func (a *answers) GetMetricBySelector(ctx context.Context, namespace string, selector labels.Selector, info provider.CustomMetricInfo,
	metricSelector labels.Selector,
) (*custom_metrics.MetricValueList, error) {
	return a.current.Load().GetMetricBySelector(ctx, namespace, selector, info, metricSelector)
}

// ListAllMetrics implements provider.CustomMetricsProvider.
func (a *answers) ListAllMetrics() []provider.CustomMetricInfo {
	return a.current.Load().ListAllMetrics()
}

// GetExternalMetric implements provider.ExternalMetricsProvider.
func (a *answers) GetExternalMetric(ctx context.Context, namespace string, metricSelector labels.Selector, info provider.ExternalMetricInfo,
) (*external_metrics.ExternalMetricValueList, error) {
	return a.current.Load().GetExternalMetric(ctx, namespace, metricSelector, info)
}

// ListAllExternalMetrics implements provider.ExternalMetricsProvider.
func (a *answers) ListAllExternalMetrics() []provider.ExternalMetricInfo {
	return a.current.Load().ListAllExternalMetrics()
}
