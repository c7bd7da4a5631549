package adapter

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"k8s.io/metrics/pkg/apis/external_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

// counted counts how the requests for values are answered. The library's apiserver_request_total cannot stand in for it: it is
// served on the secure port only, to those who may read it, and does not tell a probe from a request of an HPA.
type counted struct {
	provider.MetricsProvider
	custom, external *prometheus.CounterVec // by code
}

// CountRequests returns a provider that answers as p does, and registers the counter of its answers.
func CountRequests(p provider.MetricsProvider, registerer prometheus.Registerer) provider.MetricsProvider {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kafka_lag_adapter_requests_total",
		Help: "Requests for values that the metrics API answered, by API (custom, external) and HTTP status.",
	}, []string{"api", "code"})
	registerer.MustRegister(requests)
	c := counted{
		MetricsProvider: p,
		custom:          requests.MustCurryWith(prometheus.Labels{"api": "custom"}),
		external:        requests.MustCurryWith(prometheus.Labels{"api": "external"}),
	}
	for _, code := range []int{http.StatusOK, http.StatusNotFound, http.StatusServiceUnavailable} { // a rate needs a first value
		c.custom.WithLabelValues(strconv.Itoa(code))
	}
	return c
}

func (c counted) GetMetricByName(ctx context.Context, name types.NamespacedName, info provider.CustomMetricInfo,
	metricSelector labels.Selector,
) (*custom_metrics.MetricValue, error) {
	value, err := c.MetricsProvider.GetMetricByName(ctx, name, info, metricSelector)
	count(c.custom, err)
	return value, err
}

func (c counted) GetMetricBySelector(ctx context.Context, namespace string, selector labels.Selector, info provider.CustomMetricInfo,
	metricSelector labels.Selector,
) (*custom_metrics.MetricValueList, error) {
	list, err := c.MetricsProvider.GetMetricBySelector(ctx, namespace, selector, info, metricSelector)
	count(c.custom, err)
	return list, err
}

func (c counted) GetExternalMetric(ctx context.Context, namespace string, metricSelector labels.Selector, info provider.ExternalMetricInfo,
) (*external_metrics.ExternalMetricValueList, error) {
	list, err := c.MetricsProvider.GetExternalMetric(ctx, namespace, metricSelector, info)
	count(c.external, err)
	return list, err
}

// count counts an answer by the status that the API server library makes of it: 500 for whatever is no status.
func count(answers *prometheus.CounterVec, err error) {
	code := http.StatusOK
	if err != nil {
		code = http.StatusInternalServerError
		if status, ok := errors.AsType[*apierrors.StatusError](err); ok {
			code = int(status.ErrStatus.Code)
		}
	}
	answers.WithLabelValues(strconv.Itoa(code)).Inc()
}
