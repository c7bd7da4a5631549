// Package kubelet is the kubelet of the product's pods. Where kwok only says that a pod runs, this runs the program of its container: with
// the container's arguments, environment and volumes, as its user, with its ServiceAccount's token, in a root folder of its own that holds
// nothing else, at the pod's address. A pod is Ready when its readiness probe says so, and not once its process has ended. Needs root.
package kubelet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// interval is how often pods, volumes and probes are looked at. A real kubelet takes up to a second to see that a process has ended, and a minute or
// so for volumes.
const interval = 200 * time.Millisecond

// Config says which pods to run and how. All is needed.
type Config struct {
	Client   kubernetes.Interface
	Selector string // labels of the pods to run
	Program  string // the executable, for whatever image; static
	Dir      string // root folders and logs of the pods
	// APIServer is the address, and CAFile the CA, that pods find kube-apiserver by.
	APIServer *net.TCPAddr
	CAFile    string
	// Addresses is where the pods' addresses begin; this machine must have them all.
	Addresses net.IP
	// Args are further arguments of each container, for its pod's address.
	Args func(ip string) []string
}

// Kubelet runs pods until it is closed.
type Kubelet struct {
	cfg    Config
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu   sync.Mutex
	pods map[types.UID]*pod
	next int // of the addresses
}

// Start begins to run pods.
func Start(cfg Config) *Kubelet {
	ctx, cancel := context.WithCancel(context.Background())
	k := &Kubelet{cfg: cfg, cancel: cancel, pods: map[types.UID]*pod{}}
	k.done.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			if err := k.sync(ctx); err != nil && ctx.Err() == nil {
				slog.Warn("the test's kubelet", "err", err) // and again at the next tick
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return k
}

// Close ends all pods' processes. The pods' objects stay as they are.
func (k *Kubelet) Close() error {
	k.cancel()
	k.done.Wait()
	var errs []error
	for _, p := range k.pods {
		p.stopping.Wait()
		if p.process != nil {
			errs = append(errs, p.process.Kill())
		}
	}
	return errors.Join(errs...)
}

// Crash kills the process of a pod, as kill -9 would.
func (k *Kubelet) Crash(name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.pods {
		if p.name == name && p.process != nil {
			return p.process.Kill()
		}
	}
	return fmt.Errorf("no pod %s runs", name)
}

// sync brings the processes in line with the pods, and the pods' status in line with the processes.
func (k *Kubelet) sync(ctx context.Context) error {
	list, err := k.cfg.Client.CoreV1().Pods("").List(ctx, metav1.ListOptions{LabelSelector: k.cfg.Selector})
	if err != nil {
		return err
	}
	var errs []error
	k.mu.Lock()
	defer k.mu.Unlock()
	present := map[types.UID]bool{}
	for i := range list.Items {
		object := &list.Items[i]
		if object.Spec.NodeName == "" {
			continue // not scheduled yet
		}
		present[object.UID] = true
		if k.pods[object.UID] == nil {
			k.next++
			k.pods[object.UID] = newPod(object, address(k.cfg.Addresses, k.next), &k.cfg)
		}
		if err := k.pods[object.UID].sync(ctx, object); err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("pod %s: %w", object.Name, err))
		}
	}
	for uid, p := range k.pods {
		if !present[uid] && p.process != nil {
			errs = append(errs, p.process.Kill()) // deleted by force
			p.process = nil
		}
	}
	return errors.Join(errs...)
}

// address is the n-th after the first.
func address(first net.IP, n int) string {
	ip := append(net.IP(nil), first.To4()...)
	ip[3] += byte(n)
	return ip.String()
}

// deleteNow ends the life of a pod's object, once its process has ended.
func deleteNow(ctx context.Context, client kubernetes.Interface, object *corev1.Pod) error {
	now := int64(0)
	return client.CoreV1().Pods(object.Namespace).Delete(ctx, object.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &object.UID},
	})
}
