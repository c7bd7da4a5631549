package kube

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// Pods knows the cluster's pods. Its methods may be called at any time, from any goroutine.
type Pods struct {
	informer cache.SharedIndexInformer
	failure  atomic.Pointer[error] // why the latest attempt to list or watch failed
}

// NewPods returns a Pods that knows nothing until it runs.
func NewPods(client kubernetes.Interface) (*Pods, error) {
	p := &Pods{informer: informers.NewSharedInformerFactory(client, 0).Core().V1().Pods().Informer()}
	if err := p.informer.SetTransform(trim); err != nil {
		return nil, fmt.Errorf("watch pods: %w", err)
	}
	onFailure := func(ctx context.Context, r *cache.Reflector, err error) {
		p.failure.Store(&err)
		cache.DefaultWatchErrorHandler(ctx, r, err)
	}
	if err := p.informer.SetWatchErrorHandlerWithContext(onFailure); err != nil {
		return nil, fmt.Errorf("watch pods: %w", err)
	}
	return p, nil
}

// Run watches the pods until ctx ends.
func (p *Pods) Run(ctx context.Context) error {
	p.informer.RunWithContext(ctx)
	return nil
}

// Synced says whether the pods were listed once.
func (p *Pods) Synced() bool { return p.informer.HasSynced() }

// Names returns the names of the pods of the namespace that match the selector and can consume. While the API server is away,
// the last that it said holds. The error says that it has said nothing yet.
func (p *Pods) Names(namespace string, selector labels.Selector) ([]string, error) {
	if err := p.known(); err != nil {
		return nil, err
	}
	var names []string
	err := cache.ListAllByNamespace(p.informer.GetIndexer(), namespace, selector, func(item any) {
		if pod, ok := item.(*pod); ok && pod.consumes {
			names = append(names, pod.Name)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("select pods: %w", err)
	}
	return names, nil
}

// Exists says whether there is a pod of that name that can consume.
func (p *Pods) Exists(namespace, name string) (bool, error) {
	if err := p.known(); err != nil {
		return false, err
	}
	item, exists, err := p.informer.GetIndexer().GetByKey(cache.NewObjectName(namespace, name).String())
	if err != nil {
		return false, fmt.Errorf("look up pod %s/%s: %w", namespace, name, err)
	}
	found, ok := item.(*pod)
	return exists && ok && found.consumes, nil
}

func (p *Pods) known() error {
	if p.Synced() {
		return nil
	}
	reason := errors.New("the first list is under way")
	if failure := p.failure.Load(); failure != nil {
		reason = *failure
	}
	return fmt.Errorf("the pods are not known yet (the ServiceAccount needs get, list and watch on pods): %w", reason)
}

// pod is what is kept of a pod: its name, namespace, labels and versions, and what follows.
type pod struct {
	metav1.ObjectMeta
	consumes bool // it is neither terminating nor finished
}

// trim reduces a pod from the API server to a pod; a cluster may have many thousands.
func trim(item any) (any, error) {
	full, ok := item.(*corev1.Pod)
	if !ok {
		return item, nil // a pod trimmed before, or the mark of a deletion that was missed
	}
	finished := full.Status.Phase == corev1.PodSucceeded || full.Status.Phase == corev1.PodFailed
	return &pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: full.Name, Namespace: full.Namespace, UID: full.UID, ResourceVersion: full.ResourceVersion, Labels: full.Labels,
		},
		consumes: full.DeletionTimestamp == nil && !finished,
	}, nil
}
