package kube

import (
	"fmt"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func annotated(group string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Annotations = map[string]string{AnnotationPrefix + "consumergroup": group, "other": "x"}
	}
}

func ownedBy(apiVersion, kind, name string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.OwnerReferences = []metav1.OwnerReference{controlledBy(apiVersion, kind, name)} }
}

func groupAnnotation(group string) map[string]string {
	return map[string]string{AnnotationPrefix + "consumergroup": group}
}

// newAnnotations has pods of a Deployment by its ReplicaSet, of one whose ReplicaSet was copied an annotation that the Deployment
// has no more, and of workloads that are away, forbidden, gone, or not of a known kind.
func newAnnotations(t *testing.T) (*apiServer, *Annotations) {
	t.Helper()
	pods := watched(t, fake.NewClientset(
		somePod("default", "own", annotated("a"), ownedBy("apps/v1", "ReplicaSet", "orders-1")), somePod("default", "own-too", annotated("a")), somePod("default", "own-b", annotated("b")),
		somePod("default", "orders-1-x", ownedBy("apps/v1", "ReplicaSet", "orders-1")), somePod("default", "orders-1-y", ownedBy("apps/v1", "ReplicaSet", "orders-1")),
		somePod("default", "bare-1-x", ownedBy("apps/v1", "ReplicaSet", "bare-1")), somePod("default", "alone"),
		somePod("default", "forbidden-x", ownedBy("apps/v1", "Deployment", "forbidden")), somePod("default", "broken-x", ownedBy("apps/v1", "Deployment", "broken")),
		somePod("default", "gone-x", ownedBy("apps/v1", "Deployment", "gone")), somePod("default", "loop-x", ownedBy("apps/v1", "Deployment", "loop")),
		somePod("default", "odd-x", ownedBy("apps/v1", "Widget", "odd")), somePod("default", "away-x", ownedBy("not.served/v1", "Widget", "odd")),
	))
	api, objects := newAPIServer(t)
	for path, answer := range map[string]any{
		"replicasets/orders-1":  object("apps/v1", "ReplicaSet", "orders-1", nil, controlledBy("apps/v1", "Deployment", "orders")),
		"deployments/orders":    object("apps/v1", "Deployment", "orders", groupAnnotation("orders")),
		"replicasets/bare-1":    object("apps/v1", "ReplicaSet", "bare-1", groupAnnotation("copied"), controlledBy("apps/v1", "Deployment", "bare")),
		"deployments/bare":      object("apps/v1", "Deployment", "bare", map[string]string{"x": "y"}),
		"deployments/forbidden": http.StatusForbidden,
		"deployments/broken":    http.StatusInternalServerError,
		"deployments/loop":      object("apps/v1", "Deployment", "loop", groupAnnotation("loop"), controlledBy("apps/v1", "Deployment", "loop")),
	} {
		api.set("/apis/apps/v1/namespaces/default/"+path, answer)
	}
	eventually(t, "the pods are known", pods.Synced)
	return api, NewAnnotations(pods, objects)
}

func TestAnnotationsOfPods(t *testing.T) {
	api, a := newAnnotations(t)
	for _, tc := range []struct {
		pods []string
		want map[string]map[string]string
	}{
		{[]string{"own", "own-too"}, map[string]map[string]string{`pod "own"`: groupAnnotation("a")}},
		{[]string{"own", "own-b", "alone"}, map[string]map[string]string{`pod "own"`: groupAnnotation("a"), `pod "own-b"`: groupAnnotation("b")}},
		{[]string{"orders-1-x", "orders-1-y"}, map[string]map[string]string{`Deployment "orders"`: groupAnnotation("orders")}},
		{[]string{"own", "orders-1-x"}, map[string]map[string]string{`pod "own"`: groupAnnotation("a"), `Deployment "orders"`: groupAnnotation("orders")}},
		{[]string{"bare-1-x", "alone", "forbidden-x", "gone-x", "loop-x", "odd-x", "away-x", "no-such-pod"}, map[string]map[string]string{}},
	} {
		got, err := a.OfPods(t.Context(), podsNamed(tc.pods...))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(tc.want) {
			t.Errorf("%q: %v, %v, want %v", tc.pods, got, err, tc.want)
		}
	}
	if got, err := a.OfPods(t.Context(), podsNamed("own", "broken-x")); err == nil {
		t.Errorf("%v although the annotations of a workload are not known", got)
	}
	if n := api.requests("/apis/apps/v1/namespaces/default/deployments/orders"); n != 1 {
		t.Errorf("%d requests for a workload", n)
	}
}

func podsNamed(names ...string) []lag.Pod {
	var pods []lag.Pod
	for _, name := range names {
		pods = append(pods, lag.Pod{Namespace: "default", Name: name})
	}
	return pods
}

func TestAnnotationsOfObjects(t *testing.T) {
	_, a := newAnnotations(t)
	for name, want := range map[string]map[string]string{"orders": groupAnnotation("orders"), "bare": nil, "forbidden": nil} {
		got, err := a.Of(t.Context(), schema.GroupResource{Group: "apps", Resource: "deployments"}, types.NamespacedName{Namespace: "default", Name: name})
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want)
		}
	}
	if _, err := a.Of(t.Context(), schema.GroupResource{Group: "apps", Resource: "deployments"}, types.NamespacedName{Namespace: "default", Name: "broken"}); err == nil {
		t.Error("no error although nothing is known")
	}
}
