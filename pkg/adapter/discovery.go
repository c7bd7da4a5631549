package adapter

import (
	"fmt"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/apiserver/pkg/endpoints"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

// addAggregatedDiscovery puts the API into the aggregated form of discovery, which is what the aggregation layer and kubectl ask
// for first. The library fills in only the older documents, one per group and version.
func addAggregatedDiscovery(server *genericapiserver.GenericAPIServer, custom provider.CustomMetricsProvider) error {
	resources, err := endpoints.ConvertGroupVersionIntoToDiscovery(provider.NewCustomMetricResourceLister(custom).ListAPIResources())
	if err != nil {
		return fmt.Errorf("describe the metrics API for discovery: %w", err)
	}
	for _, version := range apiserver.Scheme.PrioritizedVersionsForGroup(custom_metrics.GroupName) {
		server.AggregatedDiscoveryGroupManager.AddGroupVersion(version.Group, apidiscoveryv2.APIVersionDiscovery{
			Version: version.Version, Resources: resources, Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent,
		})
	}
	return nil
}
