package adapter

import (
	"fmt"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/endpoints"
	"k8s.io/apiserver/pkg/endpoints/discovery"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"k8s.io/metrics/pkg/apis/external_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

// addDiscovery completes the discovery of the APIs that are served; external is nil if that one is not.
func addDiscovery(server *genericapiserver.GenericAPIServer, custom provider.CustomMetricsProvider, external provider.ExternalMetricsProvider) error {
	err := addGroup(server, custom_metrics.GroupName, provider.NewCustomMetricResourceLister(custom))
	if err == nil && external != nil {
		err = addGroup(server, external_metrics.GroupName, provider.NewExternalMetricResourceLister(external))
	}
	return err
}

// addGroup adds what the library leaves out of the discovery of an API group. The aggregated form, which is what the aggregation
// layer and kubectl ask for first, lacks the group. The older documents have it, but with the first version alone.
func addGroup(server *genericapiserver.GenericAPIServer, name string, lister discovery.APIResourceLister) error {
	resources, err := endpoints.ConvertGroupVersionIntoToDiscovery(lister.ListAPIResources())
	if err != nil {
		return fmt.Errorf("describe %s for discovery: %w", name, err)
	}
	group := metav1.APIGroup{Name: name}
	for _, version := range apiserver.Scheme.PrioritizedVersionsForGroup(name) {
		server.AggregatedDiscoveryGroupManager.AddGroupVersion(name, apidiscoveryv2.APIVersionDiscovery{
			Version: version.Version, Resources: resources, Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent,
		})
		group.Versions = append(group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: version.String(), Version: version.Version})
	}
	group.PreferredVersion = group.Versions[0]
	server.DiscoveryGroupManager.AddGroup(group)
	document := discovery.NewAPIGroupHandler(server.Serializer, group).WebService()
	if err := server.Handler.GoRestfulContainer.Remove(document); err != nil { // the library's, which has the same path
		return fmt.Errorf("describe %s for discovery: %w", name, err)
	}
	server.Handler.GoRestfulContainer.Add(document)
	return nil
}
