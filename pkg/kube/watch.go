package kube

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// backoff is between two tries to list or watch while the API server is away. An informer's own, which cannot be set
// (kubernetes/kubernetes#136943), goes up to a minute: for so long, values would be for the pods of before while the API server,
// and with it HorizontalPodAutoscalers, is back.
func backoff() *wait.Backoff {
	return &wait.Backoff{Duration: 250 * time.Millisecond, Factor: 2, Cap: time.Second, Steps: 3, Jitter: 0.5}
}

// source lists and watches the pods, and notes whether the API server could be asked. A reflector itself says nothing of
// connections that are refused.
func (p *Pods) source(client kubernetes.Interface) cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, options)
			p.asked(ctx, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			events, err := client.CoreV1().Pods(metav1.NamespaceAll).Watch(ctx, options)
			p.asked(ctx, err)
			if err == nil && options.SendInitialEvents == nil { // it goes on where the one before ended
				p.heard()
			}
			return events, err
		},
	}, client)
}

// asked notes a request that failed, unless its answer is only that another is to be made: the server cannot list by a watch (before
// Kubernetes 1.32), or no longer has the version to go on from.
func (p *Pods) asked(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil && !apierrors.IsInvalid(err) && !apierrors.IsResourceExpired(err) {
		p.failed(err)
	}
}

// sink is where a reflector puts the pods.
func (p *Pods) sink() cache.TransformingStore { return sink{p} }

type sink struct{ pods *Pods }

var (
	_ cache.TransformingStore      = sink{}
	_ cache.ResourceVersionUpdater = sink{}
)

// Transformer implements cache.TransformingStore: a stream of all pods is reduced as it comes.
func (sink) Transformer() cache.TransformFunc { return trim }

// Add implements cache.ReflectorStore.
func (s sink) Add(item any) error { return s.Update(item) }

// Update implements cache.ReflectorStore.
func (s sink) Update(item any) error {
	kept, err := trim(item)
	if p, ok := kept.(*pod); ok {
		s.pods.index.put(p)
	}
	return err
}

// Delete implements cache.ReflectorStore.
func (s sink) Delete(item any) error {
	if gone, ok := item.(*corev1.Pod); ok {
		s.pods.index.remove(gone.Namespace, gone.Name)
	}
	return nil
}

// Replace implements cache.ReflectorStore. The items are all the pods that there are.
func (s sink) Replace(items []any, _ string) error {
	all := make([]*pod, 0, len(items))
	for _, item := range items {
		kept, err := trim(item)
		if err != nil {
			return err
		}
		if p, ok := kept.(*pod); ok {
			all = append(all, p)
		}
	}
	s.pods.index.replace(all)
	s.pods.synced.Store(true)
	s.pods.heard()
	return nil
}

// Resync implements cache.ReflectorStore.
func (sink) Resync() error { return nil }

// UpdateResourceVersion implements cache.ResourceVersionUpdater: whatever the API server says, be it a bookmark, has a version.
func (s sink) UpdateResourceVersion(string) { s.pods.heard() }
