package adapter

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

// TestCountRequests asks through the counting provider: the answers are the other's, and each is counted by its status.
func TestCountRequests(t *testing.T) {
	registry := prometheus.NewRegistry()
	p := CountRequests(newProvider(), registry)
	consumers := labels.SelectorFromSet(labels.Set{"app": "consumer"})
	for selector, known := range map[string]bool{"consumergroup=orders": true, "consumergroup=lost": false, "consumergroup=oders": false, "group=orders": false} {
		pods, err := p.GetMetricBySelector(t.Context(), "default", consumers, podMetric(MetricLag), parse(t, selector))
		if (err == nil) != known || known && len(pods.Items) == 0 {
			t.Errorf("pods, %s: %v, %v", selector, pods, err)
		}
	}
	object, err := p.GetMetricByName(t.Context(), types.NamespacedName{Namespace: "default", Name: "consumer"}, deploymentMetric(MetricLag), parse(t, "consumergroup=orders"))
	if err != nil || object.Value.Value() != 42 {
		t.Errorf("object: %v, %v", object, err)
	}
	groups, err := p.GetExternalMetric(t.Context(), "default", parse(t, "consumergroup=orders"), provider.ExternalMetricInfo{Metric: MetricLag})
	if err != nil || len(groups.Items) != 1 {
		t.Errorf("external: %v, %v", groups, err)
	}
	want := `
# HELP kafka_lag_adapter_requests_total Requests for values that the metrics API answered, by API (custom, external) and HTTP status.
# TYPE kafka_lag_adapter_requests_total counter
kafka_lag_adapter_requests_total{api="custom",code="200"} 2
kafka_lag_adapter_requests_total{api="custom",code="400"} 1
kafka_lag_adapter_requests_total{api="custom",code="404"} 1
kafka_lag_adapter_requests_total{api="custom",code="503"} 1
kafka_lag_adapter_requests_total{api="external",code="200"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
