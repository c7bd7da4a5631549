package main

import (
	"context"
	"net/netip"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/adapter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// workload plays the cluster to the adapter: one Deployment, whose pods are the consumers that run.
type workload struct {
	consumers func() []string
}

var (
	_ adapter.Pods        = workload{}
	_ adapter.Objects     = objects{}
	_ adapter.Annotations = workload{}
)

// List implements adapter.Pods.
func (w workload) List(in string, selector labels.Selector) ([]lag.Pod, error) {
	if in != namespace || !selector.Matches(labels.Set{"app": podLabel}) {
		return nil, nil
	}
	var pods []lag.Pod
	for _, name := range w.consumers() {
		pods = append(pods, lag.Pod{Namespace: namespace, Name: name})
	}
	return pods, nil
}

// Exists implements adapter.Pods.
func (w workload) Exists(in, name string) (bool, error) {
	return in == namespace && slices.Contains(w.consumers(), name), nil
}

// At implements lag.PodDirectory: all consumers connect from one address, which tells nothing.
func (workload) At(netip.Addr) []lag.Pod { return nil }

// Named implements lag.PodDirectory: a consumer's client.id is the name of its pod.
func (w workload) Named(name string) []lag.Pod {
	if !slices.Contains(w.consumers(), name) {
		return nil
	}
	return []lag.Pod{{Namespace: namespace, Name: name}}
}

// Addresses implements lag.PodDirectory.
func (workload) Addresses(lag.Pod) []netip.Addr { return nil }

// objects is the cluster beside its pods.
type objects struct{}

// Lookup implements adapter.Objects.
func (objects) Lookup(_ context.Context, resource schema.GroupResource, object types.NamespacedName) (schema.GroupVersionKind, labels.Selector, error) {
	if resource != deployments() || object != (types.NamespacedName{Namespace: namespace, Name: deployment}) {
		return schema.GroupVersionKind{}, nil, apierrors.NewNotFound(resource, object.Name)
	}
	kind := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	return kind, labels.SelectorFromSet(labels.Set{"app": podLabel}), nil
}

// List implements adapter.Objects.
func (objects) List(_ context.Context, resource schema.GroupResource, in string, _ labels.Selector) ([]string, error) {
	if resource != deployments() || in != namespace {
		return nil, nil
	}
	return []string{deployment}, nil
}

// TopicName implements adapter.Objects.
func (objects) TopicName(_ context.Context, object types.NamespacedName) (string, error) {
	return "", apierrors.NewNotFound(schema.GroupResource{Resource: "kafkatopics"}, object.Name)
}

func deployments() schema.GroupResource {
	return schema.GroupResource{Group: "apps", Resource: "deployments"}
}

// Of implements adapter.Annotations.
func (workload) Of(context.Context, schema.GroupResource, types.NamespacedName) (map[string]string, error) {
	return nil, nil
}

// OfPods implements adapter.Annotations.
func (workload) OfPods(context.Context, []lag.Pod) (map[string]map[string]string, error) {
	return nil, nil
}
