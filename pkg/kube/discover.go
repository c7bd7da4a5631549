package kube

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// kind returns the kind of a resource.
func (o *Objects) kind(ctx context.Context, resource schema.GroupResource) (kind, error) {
	return o.kinds.get(ctx, resource.String(), func(ctx context.Context) (kind, error) { return o.discover(ctx, resource) })
}

// discover asks the API server for the kind of a resource: in the first version that has its scale subresource, or else the first
// that has it, by the server's preference. It reads the documents of that one group: other groups, whose own servers may be away,
// are not in the way, and a kind that is installed later is found as soon as it is asked for.
func (o *Objects) discover(ctx context.Context, resource schema.GroupResource) (kind, error) {
	versions, err := o.versions(ctx, resource)
	if err != nil {
		return kind{}, err
	}
	var first kind
	for _, version := range versions {
		list, err := o.discovery.ServerResourcesForGroupVersionWithContext(ctx, version)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return kind{}, fmt.Errorf("discover the kinds of %s: %w", version, err)
		}
		k := find(list, resource)
		if k.scalable {
			return k, nil
		}
		if first.Kind == "" {
			first = k
		}
	}
	if first.Kind == "" {
		return kind{}, unknownResource(resource)
	}
	return first, nil
}

// resourceOf returns the resource of a kind.
func (o *Objects) resourceOf(ctx context.Context, of schema.GroupVersionKind) (kind, error) {
	return o.kinds.get(ctx, of.String(), func(ctx context.Context) (kind, error) {
		list, err := o.discovery.ServerResourcesForGroupVersionWithContext(ctx, of.GroupVersion().String())
		if err != nil {
			return kind{}, fmt.Errorf("discover the kinds of %s: %w", of.GroupVersion(), err)
		}
		for _, r := range list.APIResources {
			if r.Kind == of.Kind && !strings.Contains(r.Name, "/") {
				return kind{GroupVersionKind: of, resource: of.GroupVersion().WithResource(r.Name)}, nil
			}
		}
		return kind{}, notFound("the cluster has no kind %s", of)
	})
}

// versions returns the versions of the resource's group, the preferred one first.
func (o *Objects) versions(ctx context.Context, resource schema.GroupResource) ([]string, error) {
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
	err := o.discovery.RESTClient().Get().AbsPath("/apis", resource.Group).Do(ctx).Into(&group)
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

// find returns what the list says of the resource, without a kind if nothing.
func find(list *metav1.APIResourceList, resource schema.GroupResource) (k kind) {
	version := schema.FromAPIVersionAndKind(list.GroupVersion, "").GroupVersion()
	for _, r := range list.APIResources {
		switch r.Name {
		case resource.Resource:
			k.GroupVersionKind, k.resource = version.WithKind(r.Kind), version.WithResource(r.Name)
		case resource.Resource + "/scale":
			k.scalable = true
		}
	}
	k.scalable = k.scalable && k.Kind != ""
	return k
}

func unknownResource(resource schema.GroupResource) error {
	return notFound("the cluster has no resource %q; write it as plural.group, such as deployments.apps", resource)
}

func notFound(format string, args ...any) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound, Message: fmt.Sprintf(format, args...),
	}}
}
