package kube

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Pods knows the cluster's pods. Its methods may be called at any time, from any goroutine. While the API server is away, the
// last that it said holds; the error of a method says that it has said nothing yet.
type Pods struct {
	informer cache.SharedIndexInformer
	index    index
	indexed  cache.ResourceEventHandlerRegistration
	failure  atomic.Pointer[failure] // since the pods were up to date
}

var _ lag.PodDirectory = (*Pods)(nil)

// NewPods returns a Pods that knows nothing until it runs.
func NewPods(client kubernetes.Interface) (*Pods, error) {
	p := &Pods{informer: informers.NewSharedInformerFactory(client, 0).Core().V1().Pods().Informer(), index: newIndex()}
	if err := p.informer.SetTransform(trim); err != nil {
		return nil, fmt.Errorf("watch pods: %w", err)
	}
	var err error
	if p.indexed, err = p.informer.AddEventHandler(&p.index); err != nil {
		return nil, fmt.Errorf("watch pods: %w", err)
	}
	onFailure := func(ctx context.Context, r *cache.Reflector, err error) {
		p.failed(err)
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
func (p *Pods) Synced() bool { return p.indexed.HasSynced() }

// List returns the pods of the namespace that match the selector and can consume: those that are neither terminating nor
// finished.
func (p *Pods) List(namespace string, selector labels.Selector) ([]lag.Pod, error) {
	if err := p.known(); err != nil {
		return nil, err
	}
	var pods []lag.Pod
	err := cache.ListAllByNamespace(p.informer.GetIndexer(), namespace, selector, func(item any) {
		if pod, ok := item.(*pod); ok && pod.consumes {
			pods = append(pods, pod.self[0])
		}
	})
	if err != nil {
		return nil, fmt.Errorf("select pods: %w", err)
	}
	return pods, nil
}

// Exists says whether there is a pod of that name that can consume.
func (p *Pods) Exists(namespace, name string) (bool, error) {
	if err := p.known(); err != nil {
		return false, err
	}
	found := p.get(lag.Pod{Namespace: namespace, Name: name})
	return found != nil && found.consumes, nil
}

// At implements lag.PodDirectory. An address that pods of their own network have in common has moved from one to the other: it is
// that of the one that started last.
func (p *Pods) At(address netip.Addr) []lag.Pod {
	p.index.mu.RLock()
	defer p.index.mu.RUnlock()
	return holders(p.index.byAddress.get(address))
}

// Named implements lag.PodDirectory.
func (p *Pods) Named(name string) []lag.Pod {
	p.index.mu.RLock()
	defer p.index.mu.RUnlock()
	return ids(p.index.byName.get(name))
}

// Addresses implements lag.PodDirectory.
func (p *Pods) Addresses(of lag.Pod) []netip.Addr {
	if found := p.get(of); found != nil {
		return found.addresses
	}
	return nil
}

// get returns a pod that has not finished, nil if there is none.
func (p *Pods) get(of lag.Pod) *pod {
	p.index.mu.RLock()
	defer p.index.mu.RUnlock()
	first, several := p.index.byName.get(of.Name)
	if first != nil && first.Namespace == of.Namespace {
		return first
	}
	for _, found := range several {
		if found.Namespace == of.Namespace {
			return found
		}
	}
	return nil
}

func (p *Pods) known() error {
	if p.Synced() {
		return nil
	}
	reason := errors.New("the first list is under way")
	if failure := p.failure.Load(); failure != nil {
		reason = failure.err
	}
	return fmt.Errorf("the pods are not known yet (the ServiceAccount needs list and watch on pods): %w", reason)
}
