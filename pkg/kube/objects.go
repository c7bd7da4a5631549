package kube

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

const (
	// recordsKept and kindsKept bound what is remembered.
	recordsKept, kindsKept = 4096, 256
	// maxListed is how many objects a label selector may match.
	maxListed = 100
)

// Objects knows the cluster's objects other than pods: whether they exist, which pods those have that can be scaled, and our
// annotations. It asks the API server, and remembers the answers for a while. Its methods may be called from any goroutine.
//
// The errors of its methods satisfy apierrors.IsNotFound if there is no such object or kind, and apierrors.IsForbidden if the
// ServiceAccount lacks a right; any other error means that it cannot be told now.
type Objects struct {
	discovery *discovery.DiscoveryClient
	full      dynamic.Interface
	metadata  metadata.Interface
	kinds     memory[kind]
	records   memory[record]
}

// kind is what discovery says of a resource.
type kind struct {
	schema.GroupVersionKind
	resource schema.GroupVersionResource
	scalable bool // it has a scale subresource
}

// record is what is kept of an object, or of its scale subresource.
type record struct {
	annotations map[string]string
	owner       owner
	topic       string          // of a KafkaTopic
	pods        labels.Selector // of a scale subresource
}

// NewObjects returns an Objects that asks the API server of cfg, once it is asked itself.
func NewObjects(cfg *rest.Config) (*Objects, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.Timeout = lookupTimeout
	cfg.ContentType, cfg.AcceptContentTypes = "", "" // custom resources are served as JSON only
	found, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a client for discovery: %w", err)
	}
	full, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a client for scale subresources: %w", err)
	}
	meta, err := metadata.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a client for annotations: %w", err)
	}
	return &Objects{
		discovery: found, full: full, metadata: meta,
		kinds: newMemory[kind](kindsKept, time.Now), records: newMemory[record](recordsKept, time.Now),
	}, nil
}

// Lookup returns the kind of an existing object, and the label selector of its pods if it has a scale subresource, nil if not.
func (o *Objects) Lookup(ctx context.Context, resource schema.GroupResource, object types.NamespacedName) (schema.GroupVersionKind, labels.Selector, error) {
	k, err := o.kind(ctx, resource)
	if err != nil {
		return schema.GroupVersionKind{}, nil, err
	}
	if !k.scalable {
		_, err := o.object(ctx, k, object)
		return k.GroupVersionKind, nil, err
	}
	r, err := o.records.get(ctx, k.resource.String()+"/scale "+object.String(), func(ctx context.Context) (record, error) {
		return o.readScale(ctx, k, object)
	})
	return k.GroupVersionKind, r.pods, err
}

func (o *Objects) readScale(ctx context.Context, k kind, object types.NamespacedName) (record, error) {
	scale, err := o.full.Resource(k.resource).Namespace(object.Namespace).Get(ctx, object.Name, metav1.GetOptions{}, "scale")
	if err != nil {
		return record{}, explain(err, k, object, "scale")
	}
	text, _, err := unstructured.NestedString(scale.Object, "status", "selector")
	if err != nil {
		return record{}, fmt.Errorf("read the scale subresource of %s %s: %w", k.Kind, object, err)
	}
	pods, err := labels.Parse(text)
	if err != nil {
		return record{}, fmt.Errorf("read the scale subresource of %s %s: status.selector %q: %w", k.Kind, object, text, err)
	}
	if text == "" { // its kind does not tell, which must not mean all pods
		pods = labels.Nothing()
	}
	return record{pods: pods}, nil
}

// Annotations returns the object's annotations that are ours, nil if there are none.
func (o *Objects) Annotations(ctx context.Context, resource schema.GroupResource, object types.NamespacedName) (map[string]string, error) {
	k, err := o.kind(ctx, resource)
	if err != nil {
		return nil, err
	}
	r, err := o.object(ctx, k, object)
	return r.annotations, err
}

// KafkaTopic is the resource of Strimzi's topics.
func KafkaTopic() schema.GroupResource {
	return schema.GroupResource{Group: "kafka.strimzi.io", Resource: "kafkatopics"}
}

// TopicName returns the name that a KafkaTopic's topic has in Kafka: spec.topicName, or else the object's own.
func (o *Objects) TopicName(ctx context.Context, object types.NamespacedName) (string, error) {
	k, err := o.kind(ctx, KafkaTopic())
	if err != nil {
		return "", err
	}
	r, err := o.object(ctx, k, object)
	return r.topic, err
}

// object returns what is kept of an object itself.
func (o *Objects) object(ctx context.Context, k kind, object types.NamespacedName) (record, error) {
	return o.records.get(ctx, k.resource.String()+" "+object.String(), func(ctx context.Context) (record, error) {
		if k.resource.GroupResource() == KafkaTopic() {
			return o.readTopic(ctx, k, object)
		}
		meta, err := o.metadata.Resource(k.resource).Namespace(object.Namespace).Get(ctx, object.Name, metav1.GetOptions{})
		if err != nil {
			return record{}, explain(err, k, object, "")
		}
		return record{annotations: ours(meta.Annotations), owner: ownerOf(meta.OwnerReferences)}, nil
	})
}

func (o *Objects) readTopic(ctx context.Context, k kind, object types.NamespacedName) (record, error) {
	full, err := o.full.Resource(k.resource).Namespace(object.Namespace).Get(ctx, object.Name, metav1.GetOptions{})
	if err != nil {
		return record{}, explain(err, k, object, "")
	}
	topic, _, err := unstructured.NestedString(full.Object, "spec", "topicName")
	if err != nil {
		return record{}, fmt.Errorf("read KafkaTopic %s: %w", object, err)
	}
	if topic == "" {
		topic = object.Name
	}
	return record{annotations: ours(full.GetAnnotations()), topic: topic}, nil
}

// List returns the names of the objects of the namespace that match the selector, in order. It is not remembered.
func (o *Objects) List(ctx context.Context, resource schema.GroupResource, namespace string, selector labels.Selector) ([]string, error) {
	k, err := o.kind(ctx, resource)
	if err != nil {
		return nil, err
	}
	list, err := o.metadata.Resource(k.resource).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String(), Limit: maxListed})
	switch {
	case apierrors.IsForbidden(err):
		return nil, fmt.Errorf("list %s (the ServiceAccount needs list on them): %w", resource, err)
	case err != nil:
		return nil, fmt.Errorf("list %s: %w", resource, err)
	case list.Continue != "":
		return nil, apierrors.NewBadRequest(fmt.Sprintf("more than %d %s match the label selector %q; narrow it", maxListed, resource, selector))
	}
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	slices.Sort(names)
	return names, nil
}

// explain adds to an error of the API server what was read, and what right is missing.
func explain(err error, k kind, object types.NamespacedName, subresource string) error {
	resource := k.resource.GroupResource().String()
	if subresource != "" {
		resource += "/" + subresource
	}
	switch {
	case apierrors.IsNotFound(err):
		return notFound("there is no %s %q in namespace %q", k.Kind, object.Name, object.Namespace)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("read %s %s (the ServiceAccount needs get on %s): %w", k.Kind, object, resource, err)
	default:
		return fmt.Errorf("read %s of %s: %w", resource, object, err)
	}
}
