package kube

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Pods knows the cluster's pods. Its methods may be called at any time, from any goroutine. While the API server is away, the
// last that it said holds; the error of a method says that it has said nothing yet.
type Pods struct {
	logger    *slog.Logger
	reflector *cache.Reflector
	index     index
	synced    atomic.Bool
	failure   atomic.Pointer[failure] // since the pods were up to date
}

var _ lag.PodDirectory = (*Pods)(nil)

// NewPods returns a Pods that knows nothing until it runs.
func NewPods(client kubernetes.Interface, logger *slog.Logger) *Pods {
	p := &Pods{logger: logger, index: newIndex()}
	p.reflector = cache.NewReflectorWithOptions(p.source(client), &corev1.Pod{}, p.sink(), cache.ReflectorOptions{Name: "pods", Backoff: backoff()})
	return p
}

// Run watches the pods until ctx ends.
func (p *Pods) Run(ctx context.Context) error {
	p.reflector.RunWithContext(klog.NewContext(ctx, klog.Logger{})) // what fails is told by failed, once
	return nil
}

// Synced says whether the pods were listed once.
func (p *Pods) Synced() bool { return p.synced.Load() }

// List returns the pods of the namespace that match the selector and can consume, in the order of their names: those that are
// neither terminating nor finished.
func (p *Pods) List(namespace string, selector labels.Selector) ([]lag.Pod, error) {
	if err := p.known(); err != nil {
		return nil, err
	}
	p.index.mu.RLock()
	defer p.index.mu.RUnlock()
	all := p.index.byNamespace[namespace]
	pods := make([]lag.Pod, 0, len(all))
	for _, pod := range all {
		if pod.consumes && selector.Matches(labels.Set(pod.Labels)) {
			pods = append(pods, pod.self[0])
		}
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
