package kube

import (
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func withIPs(ips ...string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		for _, ip := range ips {
			p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: ip})
		}
		p.Status.PodIP = ips[0]
	}
}

func onHostNetwork(p *corev1.Pod) { p.Spec.HostNetwork = true }

func startedAt(second int64) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.StartTime = new(metav1.Unix(second, 0)) }
}

func createdAt(second int64) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.CreationTimestamp = metav1.Unix(second, 0) }
}

func TestPodsAsADirectory(t *testing.T) {
	p := watched(t, fake.NewClientset(
		somePod("a", "plain", withIPs("10.0.0.1", "fd00::1")), somePod("b", "plain"), somePod("a", "mapped", withIPs("::ffff:10.0.0.2")),
		somePod("a", "old-status", func(p *corev1.Pod) { p.Status.PodIP = "10.0.0.3" }),
		somePod("a", "host-1", onHostNetwork, withIPs("10.9.0.1")), somePod("b", "host-2", onHostNetwork, withIPs("10.9.0.1")),
		somePod("a", "before", withIPs("10.0.0.4"), startedAt(1000), terminating), somePod("a", "after", withIPs("10.0.0.4"), startedAt(2000)),
		somePod("a", "created", withIPs("10.0.0.5"), createdAt(1000)), somePod("a", "created-later", withIPs("10.0.0.5"), createdAt(1001)),
		somePod("a", "twin-1", withIPs("10.0.0.6")), somePod("a", "twin-2", withIPs("10.0.0.6")),
		somePod("a", "done", withIPs("10.0.0.1"), inPhase(corev1.PodSucceeded)), somePod("a", "leaving", withIPs("10.0.0.7"), terminating),
	))
	eventually(t, "the pods are known", p.Synced)
	for address, want := range map[string]string{
		"10.0.0.1": "a/plain", "fd00::1": "a/plain", "10.0.0.2": "a/mapped", "10.0.0.3": "a/old-status", "10.9.0.1": "a/host-1 b/host-2",
		"10.0.0.4": "a/after", "10.0.0.5": "a/created-later", "10.0.0.6": "a/twin-2", "10.0.0.7": "a/leaving", "10.0.0.99": "",
	} {
		if got := written(p.At(netip.MustParseAddr(address))); got != want {
			t.Errorf("at %s: %q, want %q", address, got, want)
		}
	}
	for name, want := range map[string]string{"plain": "a/plain b/plain", "leaving": "a/leaving", "done": "", "": "", "a/plain": ""} {
		if got := written(p.Named(name)); got != want {
			t.Errorf("named %s: %q, want %q", name, got, want)
		}
	}
	if got := p.Addresses(lag.Pod{Namespace: "a", Name: "plain"}); fmt.Sprint(got) != "[10.0.0.1 fd00::1]" {
		t.Errorf("addresses %v", got)
	}
	if got := p.Addresses(lag.Pod{Namespace: "x", Name: "plain"}); got != nil {
		t.Errorf("addresses of a pod that does not exist: %v", got)
	}
}

func written(pods []lag.Pod) string {
	var all []string
	for _, pod := range pods {
		all = append(all, pod.Namespace+"/"+pod.Name)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// TestPodsAreSmall keeps 10,000 pods as the API server sends them: with six labels, two addresses, and much that is dropped.
func TestPodsAreSmall(t *testing.T) {
	const count, limit = 10_000, 2 << 10
	p := NewPods(fake.NewClientset(), slog.New(slog.DiscardHandler))
	before := heap()
	for i := range count {
		if err := p.sink().Add(sentPod(t, i)); err != nil {
			t.Fatal(err)
		}
	}
	each := (heap() - before) / count
	t.Logf("%d bytes a pod", each)
	if each > limit {
		t.Errorf("%d bytes a pod, more than %d", each, limit)
	}
	if got := written(p.At(netip.MustParseAddr("10.0.4.210"))); got != "shop-2/orders-consumer-7d9f8b6c4d-01234" {
		t.Errorf("got %q", got)
	}
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// sentPod has no memory in common with another, as it was decoded.
func sentPod(t *testing.T, i int) *corev1.Pod {
	t.Helper()
	name := fmt.Sprintf("orders-consumer-7d9f8b6c4d-%05d", i)
	full := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: fmt.Sprintf("shop-%d", i%7), Name: name, GenerateName: "orders-consumer-7d9f8b6c4d-", UID: types.UID(fmt.Sprintf("0b6c1f0e-5f5c-4f0e-9a53-%012d", i)),
			ResourceVersion: fmt.Sprint(9_000_000 + i), CreationTimestamp: metav1.NewTime(time.Unix(int64(i), 0)),
			Labels: map[string]string{
				"app.kubernetes.io/name": "orders-consumer", "app.kubernetes.io/instance": "orders-consumer-production", "app.kubernetes.io/component": "consumer",
				"app.kubernetes.io/version": "2026.11.21", "pod-template-hash": "7d9f8b6c4d", "team": "order-management",
			},
			Annotations: map[string]string{
				"kubectl.kubernetes.io/last-applied-configuration": strings.Repeat("x", 4000),
				AnnotationPrefix + "consumergroup":                 "orders", AnnotationPrefix + "topics": "orders,refunds",
			},
			OwnerReferences: []metav1.OwnerReference{controlledBy("apps/v1", "ReplicaSet", "orders-consumer-7d9f8b6c4d")},
		},
		Spec: corev1.PodSpec{NodeName: "node", Containers: []corev1.Container{{Name: "consumer", Image: strings.Repeat("i", 1000)}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, StartTime: new(metav1.Unix(int64(i), 0)), PodIPs: []corev1.PodIP{
			{IP: fmt.Sprintf("10.0.%d.%d", i>>8, i&255)}, {IP: fmt.Sprintf("fd00::%x", i+1)},
		}},
	}
	sent, err := full.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	received := &corev1.Pod{}
	if err := received.Unmarshal(sent); err != nil {
		t.Fatal(err)
	}
	return received
}
