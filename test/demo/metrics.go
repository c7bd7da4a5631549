package main

import (
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	"k8s.io/metrics/pkg/client/custom_metrics"
	"k8s.io/metrics/pkg/client/custom_metrics/scheme"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/adapter"
)

// metricsClient asks for the lag of the pods with the client that the HorizontalPodAutoscaler's controller has.
type metricsClient struct {
	client custom_metrics.CustomMetricsClient
}

func newMetricsClient(host string, httpClient *http.Client) (*metricsClient, error) {
	version := v1beta2.SchemeGroupVersion
	client, err := rest.RESTClientForConfigAndClient(&rest.Config{
		Host: host, APIPath: "/apis", QPS: -1, // it asks once per sync
		ContentConfig: rest.ContentConfig{GroupVersion: &version, NegotiatedSerializer: scheme.Codecs.WithoutConversion()},
	}, httpClient)
	if err != nil {
		return nil, fmt.Errorf("make the client of the metrics API: %w", err)
	}
	pods := schema.GroupVersion{Version: "v1"}
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{pods})
	mapper.Add(pods.WithKind("Pod"), meta.RESTScopeNamespace)
	return &metricsClient{client: custom_metrics.NewForVersion(client, mapper, version)}, nil
}

// lag returns the lag by pod.
func (c *metricsClient) lag() (map[string]int64, error) {
	list, err := c.client.NamespacedMetrics(namespace).GetForObjects(schema.GroupKind{Kind: "Pod"},
		labels.SelectorFromSet(labels.Set{"app": podLabel}), adapter.MetricLag, labels.SelectorFromSet(labels.Set{"consumergroup": group}))
	if err != nil {
		return nil, err
	}
	values := make(map[string]int64, len(list.Items))
	for _, item := range list.Items {
		values[item.DescribedObject.Name] = item.Value.Value()
	}
	return values, nil
}

// podsPath is the path of the same request, to be copied.
const podsPath = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/" + namespace + "/pods/*/" + adapter.MetricLag +
	"?labelSelector=app%3D" + podLabel + "&metricLabelSelector=consumergroup%3D" + group
