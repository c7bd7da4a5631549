package main

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/adapter"
)

// workload plays the cluster to the adapter: one Deployment, whose pods are the consumers that run.
type workload struct {
	consumers func() []string
}

var (
	_ adapter.Pods      = workload{}
	_ adapter.Workloads = workload{}
)

// Names implements adapter.Pods.
func (w workload) Names(in string, selector labels.Selector) ([]string, error) {
	if in != namespace || !selector.Matches(labels.Set{"app": podLabel}) {
		return nil, nil
	}
	return w.consumers(), nil
}

// Exists implements adapter.Pods.
func (w workload) Exists(in, name string) (bool, error) {
	return in == namespace && slices.Contains(w.consumers(), name), nil
}

// Lookup implements adapter.Workloads.
func (w workload) Lookup(_ context.Context, resource schema.GroupResource, object types.NamespacedName) (schema.GroupVersionKind, error) {
	deployments := schema.GroupResource{Group: "apps", Resource: "deployments"}
	if resource != deployments || object != (types.NamespacedName{Namespace: namespace, Name: deployment}) {
		return schema.GroupVersionKind{}, apierrors.NewNotFound(resource, object.Name)
	}
	return schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, nil
}
