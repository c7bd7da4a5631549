package kube

import (
	"context"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// discover asks the API server for the kind of a resource, in the versions of its group by the server's preference. It reads the
// documents of that one group: other groups, whose own servers may be away, are not in the way, and a kind that is installed
// later is found as soon as it is asked for.
func (w *Workloads) discover(ctx context.Context, resource schema.GroupResource) (kind, error) {
	versions, err := w.versions(ctx, resource)
	if err != nil {
		return kind{}, err
	}
	exists := false
	for _, version := range versions {
		list, err := w.discovery.ServerResourcesForGroupVersionWithContext(ctx, version)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return kind{}, fmt.Errorf("discover the kinds of %s: %w", version, err)
		}
		k, scalable := find(list, resource)
		if scalable {
			return k, nil
		}
		exists = exists || k.Kind != ""
	}
	if exists {
		return kind{}, notFound("%s cannot be scaled: they have no scale subresource", resource)
	}
	return kind{}, unknownResource(resource)
}

// versions returns the versions of the resource's group, the preferred one first.
func (w *Workloads) versions(ctx context.Context, resource schema.GroupResource) ([]string, error) {
	if len(validation.IsDNS1123Label(resource.Resource)) > 0 {
		return nil, unknownResource(resource)
	}
	if resource.Group == "" {
		return []string{"v1"}, nil
	}
	if len(validation.IsDNS1123Subdomain(resource.Group)) > 0 {
		return nil, unknownResource(resource)
	}
	var group metav1.APIGroup
	err := w.discovery.RESTClient().Get().AbsPath("/apis", resource.Group).Do(ctx).Into(&group)
	if apierrors.IsNotFound(err) {
		return nil, unknownResource(resource)
	}
	if err != nil {
		return nil, fmt.Errorf("discover the API group %s: %w", resource.Group, err)
	}
	versions := []string{group.PreferredVersion.GroupVersion}
	for _, version := range group.Versions {
		if version.GroupVersion != group.PreferredVersion.GroupVersion {
			versions = append(versions, version.GroupVersion)
		}
	}
	return versions, nil
}

// find returns what the list says of the resource, without a kind if nothing, and whether the resource has a scale subresource.
func find(list *metav1.APIResourceList, resource schema.GroupResource) (k kind, scalable bool) {
	version := schema.FromAPIVersionAndKind(list.GroupVersion, "").GroupVersion()
	for _, r := range list.APIResources {
		switch r.Name {
		case resource.Resource:
			k.GroupVersionKind, k.resource = version.WithKind(r.Kind), version.WithResource(r.Name)
		case resource.Resource + "/scale":
			scalable = true
		}
	}
	return k, scalable && k.Kind != ""
}

func unknownResource(resource schema.GroupResource) error {
	return notFound("the cluster has no resource %q; write it as plural.group, such as deployments.apps", resource)
}

func notFound(format string, args ...any) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound, Message: fmt.Sprintf(format, args...),
	}}
}
