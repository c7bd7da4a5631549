package kube

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// apiServer answers the paths it has, counts the requests, and says 404 otherwise.
type apiServer struct {
	mu    sync.Mutex
	paths map[string]any // an object, or a status code
	count map[string]int
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count[r.URL.Path]++
	code, body := http.StatusOK, s.paths[r.URL.Path]
	switch b := body.(type) {
	case nil:
		code = http.StatusNotFound
	case int:
		code = b
	}
	if code != http.StatusOK {
		reasons := map[int]metav1.StatusReason{403: metav1.StatusReasonForbidden, 404: metav1.StatusReasonNotFound, 500: metav1.StatusReasonInternalError}
		body = metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
			Code: int32(code), Reason: reasons[code], Message: "told by the API server",
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.count["broken answers"]++
	}
}

func (s *apiServer) set(path string, body any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths[path] = body
}

func (s *apiServer) requests(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[path]
}

func apiGroup(name string, versions ...string) metav1.APIGroup {
	g := metav1.APIGroup{TypeMeta: metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"}, Name: name}
	for _, v := range versions {
		g.Versions = append(g.Versions, metav1.GroupVersionForDiscovery{GroupVersion: name + "/" + v, Version: v})
	}
	g.PreferredVersion = g.Versions[len(g.Versions)-1]
	return g
}

// resources are name=Kind pairs, or subresources.
func resources(groupVersion string, names ...string) metav1.APIResourceList {
	list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: groupVersion}
	for _, name := range names {
		name, kind, _ := strings.Cut(name, "=")
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: name, Kind: kind, Namespaced: true})
	}
	return list
}

func scaleOf(name string, selector ...string) map[string]any {
	return map[string]any{
		"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": map[string]any{"name": name},
		"status": map[string]any{"replicas": 1, "selector": strings.Join(selector, "")},
	}
}

// object is what the API server has of an object beyond its name.
func object(apiVersion, kind, name string, annotations map[string]string, owner ...metav1.OwnerReference) map[string]any {
	meta := map[string]any{"name": name, "namespace": "default", "annotations": annotations, "ownerReferences": owner}
	return map[string]any{"kind": kind, "apiVersion": apiVersion, "metadata": meta}
}

func controlledBy(apiVersion, kind, name string) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: apiVersion, Kind: kind, Name: name, Controller: new(true)}
}

const consumerScale = "/apis/apps/v1/namespaces/default/deployments/consumer/scale"

func newAPIServer(t *testing.T) (*apiServer, *Objects) {
	t.Helper()
	s := &apiServer{count: map[string]int{}, paths: map[string]any{
		"/apis/apps":                 apiGroup("apps", "v1"),
		"/apis/apps/v1":              resources("apps/v1", "deployments=Deployment", "deployments/scale=Scale", "daemonsets=DaemonSet", "replicasets=ReplicaSet"),
		"/api/v1":                    resources("v1", "replicationcontrollers=ReplicationController", "replicationcontrollers/scale=Scale", "pods=Pod"),
		"/apis/argoproj.io":          apiGroup("argoproj.io", "v1alpha1", "v1beta1"),
		"/apis/argoproj.io/v1beta1":  resources("argoproj.io/v1beta1", "workflows=Workflow"),
		"/apis/argoproj.io/v1alpha1": resources("argoproj.io/v1alpha1", "rollouts/scale=Scale", "rollouts=Rollout"),
		consumerScale:                scaleOf("consumer", "app=consumer,tier in (a,b)"),
		"/api/v1/namespaces/default/replicationcontrollers/old/scale":         scaleOf("old", "app=old"),
		"/apis/argoproj.io/v1alpha1/namespaces/default/rollouts/canary/scale": scaleOf("canary"),
		"/apis/apps/v1/namespaces/secret/deployments/consumer/scale":          http.StatusForbidden,
		"/apis/apps/v1/namespaces/broken/deployments/consumer/scale":          http.StatusInternalServerError,
		"/apis/hung.example.com":                            http.StatusInternalServerError,
		"/apis/apps/v1/namespaces/default/daemonsets/agent": object("apps/v1", "DaemonSet", "agent", map[string]string{AnnotationPrefix + "consumergroup": "a", "x": "y"}),
		"/apis/apps/v1/namespaces/secret/daemonsets/agent":  http.StatusForbidden,
	}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	w, err := NewObjects(&rest.Config{Host: server.URL, QPS: 1000, Burst: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return s, w
}

func lookup(t *testing.T, w *Objects, resource, namespace, name string) (schema.GroupVersionKind, error) {
	t.Helper()
	kind, _, err := w.Lookup(t.Context(), schema.ParseGroupResource(resource), types.NamespacedName{Namespace: namespace, Name: name})
	return kind, err
}

func TestLookupTellsThePods(t *testing.T) {
	_, o := newAPIServer(t)
	for name, want := range map[[2]string]string{
		{"deployments.apps", "consumer"}:   "app=consumer,tier in (a,b)",
		{"rollouts.argoproj.io", "canary"}: labels.Nothing().String(), // its scale does not tell
	} {
		_, pods, err := o.Lookup(t.Context(), schema.ParseGroupResource(name[0]), types.NamespacedName{Namespace: "default", Name: name[1]})
		if err != nil || pods == nil || pods.String() != want || pods.Empty() {
			t.Errorf("%v: %v, %v", name, pods, err)
		}
	}
	_, pods, err := o.Lookup(t.Context(), schema.ParseGroupResource("daemonsets.apps"), types.NamespacedName{Namespace: "default", Name: "agent"})
	if err != nil || pods != nil {
		t.Errorf("what cannot be scaled: %v, %v", pods, err)
	}
}

func TestLookup(t *testing.T) {
	_, w := newAPIServer(t)
	for name, want := range map[[3]string]string{
		{"deployments.apps", "default", "consumer"}:   "apps/v1, Kind=Deployment",
		{"replicationcontrollers", "default", "old"}:  "/v1, Kind=ReplicationController",
		{"rollouts.argoproj.io", "default", "canary"}: "argoproj.io/v1alpha1, Kind=Rollout",
		{"daemonsets.apps", "default", "agent"}:       "apps/v1, Kind=DaemonSet",
	} {
		if kind, err := lookup(t, w, name[0], name[1], name[2]); err != nil || kind.String() != want {
			t.Errorf("%v: %q, %v", name, kind, err)
		}
	}
}

func TestLookupErrors(t *testing.T) {
	_, w := newAPIServer(t)
	for name, c := range map[string]struct {
		resource, namespace, object string
		absent                      bool
		says                        string
	}{
		"no such object":        {"deployments.apps", "default", "consumers", true, `no Deployment "consumers" in namespace "default"`},
		"no such group":         {"deployments.app", "default", "consumer", true, "plural.group"},
		"no such resource":      {"deployment.apps", "default", "consumer", true, "plural.group"},
		"no group":              {"deployments", "default", "consumer", true, "plural.group"},
		"not there, no scale":   {"daemonsets.apps", "default", "consumer", true, `no DaemonSet "consumer"`},
		"forbidden, no scale":   {"daemonsets.apps", "secret", "agent", false, "needs get on daemonsets.apps)"},
		"a path for a group":    {"deployments...", "default", "consumer", true, "plural.group"},
		"a path for a resource": {"*.apps", "default", "consumer", true, "plural.group"},
		"forbidden":             {"deployments.apps", "secret", "consumer", false, "needs get on deployments.apps/scale)"},
		"API server broken":     {"deployments.apps", "broken", "consumer", false, "told by the API server"},
		"discovery broken":      {"x.hung.example.com", "default", "x", false, "hung.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := lookup(t, w, c.resource, c.namespace, c.object)
			if err == nil || apierrors.IsNotFound(err) != c.absent || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want absent %t with %q", err, c.absent, c.says)
			}
		})
	}
}

func TestLookupsAreRemembered(t *testing.T) {
	api, w := newAPIServer(t)
	for range 5 {
		if _, err := lookup(t, w, "deployments.apps", "default", "consumer"); err != nil {
			t.Fatal(err)
		}
		if _, err := lookup(t, w, "deployments.apps", "default", "consumers"); !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		if _, err := lookup(t, w, "widgets.example.com", "default", "w"); !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		if _, err := lookup(t, w, "deployments.apps", "broken", "consumer"); err == nil {
			t.Fatal("no error")
		}
	}
	for path, want := range map[string]int{"/apis/apps": 1, "/apis/apps/v1": 1, consumerScale: 1, "/apis/example.com": 1} {
		if got := api.requests(path); got != want {
			t.Errorf("%d requests for %s, want %d", got, path, want)
		}
	}
}

func TestWhatCannotBeToldIsAskedAgain(t *testing.T) {
	api, w := newAPIServer(t)
	api.set("/apis/apps", http.StatusInternalServerError)
	if _, err := lookup(t, w, "deployments.apps", "default", "consumer"); err == nil {
		t.Fatal("no error")
	}
	api.set("/apis/apps", apiGroup("apps", "v1"))
	api.set(consumerScale, http.StatusInternalServerError)
	if _, err := lookup(t, w, "deployments.apps", "default", "consumer"); err == nil {
		t.Fatal("no error")
	}
	api.set(consumerScale, scaleOf("consumer"))
	if _, err := lookup(t, w, "deployments.apps", "default", "consumer"); err != nil {
		t.Fatal(err)
	}
}

func TestKafkaTopics(t *testing.T) {
	api, o := newAPIServer(t)
	api.set("/apis/kafka.strimzi.io", apiGroup("kafka.strimzi.io", "v1", "v1beta2"))
	api.set("/apis/kafka.strimzi.io/v1beta2", resources("kafka.strimzi.io/v1beta2", "kafkatopics=KafkaTopic"))
	renamed := object("kafka.strimzi.io/v1beta2", "KafkaTopic", "renamed", groupAnnotation("orders"))
	renamed["spec"] = map[string]any{"topicName": "Orders_2"}
	odd := object("kafka.strimzi.io/v1beta2", "KafkaTopic", "odd", nil)
	odd["spec"] = map[string]any{"topicName": 7}
	for name, answer := range map[string]any{"renamed": renamed, "odd": odd, "plain": object("kafka.strimzi.io/v1beta2", "KafkaTopic", "plain", nil)} {
		api.set("/apis/kafka.strimzi.io/v1beta2/namespaces/default/kafkatopics/"+name, answer)
	}
	for name, want := range map[string]string{"renamed": "Orders_2", "plain": "plain"} {
		if got, err := o.TopicName(t.Context(), types.NamespacedName{Namespace: "default", Name: name}); got != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := o.Annotations(t.Context(), KafkaTopic(), types.NamespacedName{Namespace: "default", Name: "renamed"}); fmt.Sprint(got) != fmt.Sprint(groupAnnotation("orders")) || err != nil {
		t.Errorf("annotations %v, %v", got, err)
	}
	if _, err := o.TopicName(t.Context(), types.NamespacedName{Namespace: "default", Name: "odd"}); err == nil || apierrors.IsNotFound(err) {
		t.Errorf("a name that is no text: %v", err)
	}
	if _, err := o.TopicName(t.Context(), types.NamespacedName{Namespace: "default", Name: "none"}); !apierrors.IsNotFound(err) {
		t.Errorf("no such topic: %v", err)
	}
	if n := api.requests("/apis/kafka.strimzi.io/v1beta2/namespaces/default/kafkatopics/renamed"); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestList(t *testing.T) {
	api, o := newAPIServer(t)
	list := func(more string, names ...string) map[string]any {
		var items []any
		for _, name := range names {
			items = append(items, object("apps/v1", "Deployment", name, nil))
		}
		return map[string]any{"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": map[string]any{"continue": more}, "items": items}
	}
	api.set("/apis/apps/v1/namespaces/default/deployments", list("", "b", "a"))
	api.set("/apis/apps/v1/namespaces/crowded/deployments", list("more", "a"))
	api.set("/apis/apps/v1/namespaces/secret/deployments", http.StatusForbidden)
	deployments := schema.GroupResource{Group: "apps", Resource: "deployments"}
	if got, err := o.List(t.Context(), deployments, "default", labels.Everything()); fmt.Sprint(got) != "[a b]" || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := o.List(t.Context(), deployments, "crowded", labels.Everything()); !apierrors.IsBadRequest(err) {
		t.Errorf("too many: %v", err)
	}
	if _, err := o.List(t.Context(), deployments, "secret", labels.Everything()); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "needs list") {
		t.Errorf("forbidden: %v", err)
	}
}
