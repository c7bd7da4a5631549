package kube

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

const (
	// lookupTimeout bounds one request to the API server. A HorizontalPodAutoscaler waits for it, and with it a worker of the
	// controller.
	lookupTimeout = 3 * time.Second
	// lookupTTL is for how long a workload or kind that was found, or not found, is taken for the same; what an API group
	// serves changes less often.
	lookupTTL, kindTTL = 5 * time.Second, time.Minute
	// lookupsKept and kindsKept bound the memory for them; the names come from requests.
	lookupsKept, kindsKept = 4096, 256
)

// Workloads knows the objects that can be scaled. Its methods may be called from any goroutine.
type Workloads struct {
	discovery *discovery.DiscoveryClient
	objects   dynamic.Interface
	kinds     *cache.LRUExpireCache // schema.GroupResource → kind
	recent    *cache.LRUExpireCache // workload → error or nil
}

// workload is a key of the cache.
type workload struct {
	resource schema.GroupResource
	object   types.NamespacedName
}

// kind is what discovery says of a resource.
type kind struct {
	schema.GroupVersionKind
	resource schema.GroupVersionResource
	err      error // not found: there is no such resource, or it has no scale subresource
}

// NewWorkloads returns a Workloads that asks the API server of cfg, once it is asked itself.
func NewWorkloads(cfg *rest.Config) (*Workloads, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.Timeout = lookupTimeout
	cfg.ContentType, cfg.AcceptContentTypes = "", "" // custom resources are served as JSON only
	client, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a client for discovery: %w", err)
	}
	objects, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a client for scale subresources: %w", err)
	}
	return &Workloads{
		discovery: client, objects: objects,
		kinds: cache.NewLRUExpireCache(kindsKept), recent: cache.NewLRUExpireCache(lookupsKept),
	}, nil
}

// Lookup returns the kind of an existing object that has a scale subresource. The error satisfies apierrors.IsNotFound if there
// is no such object or if its kind has no scale subresource; any other error means that this cannot be told now.
func (w *Workloads) Lookup(ctx context.Context, resource schema.GroupResource, object types.NamespacedName) (schema.GroupVersionKind, error) {
	k, err := w.kind(ctx, resource)
	if err != nil {
		return schema.GroupVersionKind{}, err
	}
	key := workload{resource: resource, object: object}
	if recent, ok := w.recent.Get(key); ok {
		err, _ = recent.(error) // none: it was found
		return k.GroupVersionKind, err
	}
	_, err = w.objects.Resource(k.resource).Namespace(object.Namespace).Get(ctx, object.Name, metav1.GetOptions{}, "scale")
	switch {
	case err == nil:
		w.recent.Add(key, nil, lookupTTL)
	case apierrors.IsNotFound(err):
		err = notFound("there is no %s %q in namespace %q", k.Kind, object.Name, object.Namespace)
		w.recent.Add(key, err, lookupTTL)
	case apierrors.IsForbidden(err):
		err = fmt.Errorf("read its scale subresource (the ServiceAccount needs get on %s/scale): %w", resource, err)
	default:
		err = fmt.Errorf("read its scale subresource: %w", err)
	}
	return k.GroupVersionKind, err
}

// kind returns the kind of a resource that has a scale subresource.
func (w *Workloads) kind(ctx context.Context, resource schema.GroupResource) (kind, error) {
	if recent, ok := w.kinds.Get(resource); ok {
		if k, ok := recent.(kind); ok {
			return k, k.err
		}
	}
	k, err := w.discover(ctx, resource)
	switch {
	case err == nil:
		w.kinds.Add(resource, k, kindTTL)
	case apierrors.IsNotFound(err):
		w.kinds.Add(resource, kind{err: err}, lookupTTL)
	}
	return k, err
}
