package kube

import (
	"net/netip"
	"strings"
	"time"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// AnnotationPrefix is what the keys of this project's annotations begin with. No others are kept.
const AnnotationPrefix = "kafka-lag-adapter/"

// pod is what is kept of a pod: its name, namespace and labels, the annotations that are ours, and what follows.
type pod struct {
	metav1.ObjectMeta
	self        [1]lag.Pod
	addresses   []netip.Addr
	started     time.Time // or created, while it has not started
	owner       owner
	hostNetwork bool // its addresses are its node's
	consumes    bool // it is neither terminating nor finished
	finished    bool
}

// owner names the controller of an object; all of it is empty if there is none.
type owner struct{ apiVersion, kind, name string }

func ownerOf(references []metav1.OwnerReference) owner {
	for _, r := range references {
		if r.Controller != nil && *r.Controller {
			return owner{shared(r.APIVersion), shared(r.Kind), shared(r.Name)}
		}
	}
	return owner{}
}

// trim reduces a pod from the API server to a pod; a cluster may have many thousands. What is something else stays.
func trim(item any) (any, error) {
	full, ok := item.(*corev1.Pod)
	if !ok {
		return item, nil // a pod trimmed before
	}
	namespace := shared(full.Namespace)
	kept := &pod{
		ObjectMeta: metav1.ObjectMeta{Name: full.Name, Namespace: namespace},
		self:       [1]lag.Pod{{Namespace: namespace, Name: full.Name}},
		finished:   full.Status.Phase == corev1.PodSucceeded || full.Status.Phase == corev1.PodFailed,
	}
	if kept.finished { // its address may be another's by now, and nobody asks for it
		return kept, nil
	}
	kept.Annotations = ours(full.Annotations)
	if len(full.Labels) > 0 {
		kept.Labels = make(map[string]string, len(full.Labels))
		for key, value := range full.Labels {
			kept.Labels[shared(key)] = shared(value)
		}
	}
	kept.owner = ownerOf(full.OwnerReferences)
	kept.hostNetwork = full.Spec.HostNetwork
	kept.consumes = full.DeletionTimestamp == nil
	kept.started = full.CreationTimestamp.Time
	if at := full.Status.StartTime; at != nil {
		kept.started = at.Time
	}
	for _, ip := range full.Status.PodIPs {
		kept.addAddress(ip.IP)
	}
	if len(kept.addresses) == 0 {
		kept.addAddress(full.Status.PodIP)
	}
	return kept, nil
}

func (p *pod) addAddress(text string) {
	if address, err := netip.ParseAddr(text); err == nil { // a pod that was not scheduled yet has none
		p.addresses = append(p.addresses, lag.CanonicalAddress(address))
	}
}

// shared returns the one copy of a text that many pods have.
func shared(text string) string { return unique.Make(text).Value() }

// ours returns the annotations that are ours, nil if there are none.
func ours(annotations map[string]string) map[string]string {
	var kept map[string]string
	for key, value := range annotations {
		if strings.HasPrefix(key, AnnotationPrefix) {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[shared(key)] = shared(value)
		}
	}
	return kept
}
