package kube

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func somePod(namespace, name string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": "consumer"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
	for _, f := range change {
		f(p)
	}
	return p
}

func inPhase(phase corev1.PodPhase) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.Phase = phase }
}

func terminating(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.Now()) }

func labelled(app string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Labels = map[string]string{"app": app} }
}

// watched runs Pods until the test ends.
func watched(t *testing.T, client *fake.Clientset) *Pods {
	t.Helper()
	goleak.VerifyNone(t)
	p := NewPods(client, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		goleak.VerifyNone(t)
	})
	return p
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(time.Millisecond); ; <-tick.C {
		if holds() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func consumers(t *testing.T, p *Pods, namespace string) []string {
	t.Helper()
	pods, err := p.List(namespace, labels.SelectorFromSet(labels.Set{"app": "consumer"}))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, pod := range pods {
		names = append(names, pod.Name)
	}
	slices.Sort(names)
	return names
}

func TestPodsThatCanConsume(t *testing.T) {
	client := fake.NewClientset(
		somePod("a", "running"), somePod("a", "pending", inPhase(corev1.PodPending)), somePod("a", "lost", inPhase(corev1.PodUnknown)),
		somePod("a", "succeeded", inPhase(corev1.PodSucceeded)), somePod("a", "failed", inPhase(corev1.PodFailed)),
		somePod("a", "terminating", terminating), somePod("a", "other", labelled("other")), somePod("b", "running-b"),
	)
	p := watched(t, client)
	eventually(t, "the pods are known", p.Synced)
	if got, want := consumers(t, p, "a"), []string{"lost", "pending", "running"}; !slices.Equal(got, want) {
		t.Errorf("a has %q, want %q", got, want)
	}
	if got := consumers(t, p, "c"); len(got) > 0 {
		t.Errorf("c has %q", got)
	}
	for name, want := range map[string]bool{"running": true, "other": true, "terminating": false, "failed": false, "running-b": false, "": false} {
		if got, err := p.Exists("a", name); got != want || err != nil {
			t.Errorf("%q exists: %t, %v", name, got, err)
		}
	}
}

func TestPodsFollowChanges(t *testing.T) {
	client := fake.NewClientset(somePod("a", "one"), somePod("a", "two"))
	p := watched(t, client)
	eventually(t, "both are known", func() bool { return p.Synced() && len(consumers(t, p, "a")) == 2 })
	pods, ctx := client.CoreV1().Pods("a"), t.Context()
	if _, err := pods.Update(ctx, somePod("a", "one", terminating), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the terminating one is gone", func() bool { return slices.Equal(consumers(t, p, "a"), []string{"two"}) })
	if _, err := pods.Create(ctx, somePod("a", "three"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := pods.Delete(ctx, "two", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new one is there", func() bool { return slices.Equal(consumers(t, p, "a"), []string{"three"}) })
	if left := p.Named("two"); len(left) > 0 || len(p.Named("three")) != 1 {
		t.Errorf("there still is %v", left)
	}
}

func TestPodsAreAnErrorUntilTheyAreKnown(t *testing.T) {
	client := fake.NewClientset(somePod("a", "one"))
	client.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("pods is forbidden")
	})
	p := watched(t, client)
	eventually(t, "the error tells why", func() bool {
		_, err := p.List("a", labels.Everything())
		if err == nil {
			t.Fatal("no error although nothing is known")
		}
		return strings.Contains(err.Error(), "pods is forbidden") && strings.Contains(err.Error(), "list and watch on pods")
	})
	if _, err := p.Exists("a", "one"); err == nil {
		t.Error("Exists has no error although nothing is known")
	}
}

func TestTrimKeepsLittle(t *testing.T) {
	full := somePod("a", "one", func(p *corev1.Pod) {
		p.Annotations = map[string]string{"large": strings.Repeat("x", 1000)}
		p.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "m"}}
	})
	item, err := trim(full)
	if err != nil {
		t.Fatal(err)
	}
	trimmed, ok := item.(*pod)
	if !ok || trimmed.Annotations != nil || trimmed.ManagedFields != nil || trimmed.Name != "one" || !trimmed.consumes {
		t.Errorf("kept %+v", item)
	}
	if again, err := trim(item); again != item || err != nil {
		t.Errorf("trimmed twice it is %v, %v", again, err)
	}
}
