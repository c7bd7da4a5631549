package kube

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Annotations finds our annotations on objects, pods, and what controls pods.
type Annotations struct {
	pods    *Pods
	objects *Objects
}

// NewAnnotations returns an Annotations that asks these two.
func NewAnnotations(pods *Pods, objects *Objects) *Annotations {
	return &Annotations{pods: pods, objects: objects}
}

// Of returns the object's annotations that are ours, nil if there are none. A kind that the ServiceAccount must not get counts as
// one without: which kinds it may get says which annotations there are.
func (a *Annotations) Of(ctx context.Context, resource schema.GroupResource, object types.NamespacedName) (map[string]string, error) {
	annotations, err := a.objects.Annotations(ctx, resource, object)
	if apierrors.IsForbidden(err) {
		return nil, nil
	}
	return annotations, err
}

// OfPods returns the annotations of the pods that are ours, by the object that has them: the pod itself, or else the workload that
// controls it, at the end of the chain of its controllers. Of pods with the same ones, it names only the first.
func (a *Annotations) OfPods(ctx context.Context, pods []lag.Pod) (map[string]map[string]string, error) {
	all, seen := map[string]map[string]string{}, map[string]bool{}
	owners := map[types.NamespacedName]owner{} // by namespace and kind/name
	for _, id := range pods {
		found := a.pods.get(id)
		switch {
		case found == nil: // gone since
		case found.Annotations != nil:
			if content := fmt.Sprint(found.Annotations); !seen[content] { // in the order of the keys
				seen[content] = true
				all[fmt.Sprintf("pod %q", id.Name)] = found.Annotations
			}
		case found.owner != owner{}:
			owners[types.NamespacedName{Namespace: id.Namespace, Name: found.owner.kind + "/" + found.owner.name}] = found.owner
		}
	}
	for key, first := range owners {
		name, annotations, err := a.workload(ctx, key.Namespace, first)
		if err != nil {
			return nil, err
		}
		if annotations != nil {
			all[name] = annotations
		}
	}
	return all, nil
}

// maxOwners is how long a chain of controllers may be. Deployment, ReplicaSet, Pod has two.
const maxOwners = 4

// workload follows the chain of controllers to its end and returns the annotations there. Those on the way do not count: a
// Deployment copies its annotations to its ReplicaSets and leaves them there when its own are gone.
func (a *Annotations) workload(ctx context.Context, namespace string, of owner) (string, map[string]string, error) {
	for range maxOwners {
		k, err := a.objects.resourceOf(ctx, schema.FromAPIVersionAndKind(of.apiVersion, of.kind))
		var r record
		if err == nil {
			r, err = a.objects.object(ctx, k, types.NamespacedName{Namespace: namespace, Name: of.name})
		}
		switch {
		case apierrors.IsForbidden(err), apierrors.IsNotFound(err): // not for us to read, or gone
			return "", nil, nil
		case err != nil:
			return "", nil, fmt.Errorf("look up the annotations of the pods' workload: %w", err)
		case r.owner == owner{}:
			return fmt.Sprintf("%s %q", of.kind, of.name), r.annotations, nil
		}
		of = r.owner
	}
	return "", nil, nil
}
