package metricsapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	authorization "k8s.io/api/authorization/v1"
	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/check"
)

// apiServer answers as kube-apiserver does to those that check.
type apiServer struct {
	denied func(authorization.ResourceAttributes) bool
	ahead  time.Duration // of its clock
	owner  string        // of the metrics API: namespace/name; empty for nobody, "forbidden" where we may not look
	status string        // of the APIService
	header string        // the CA of passed-on requests
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", time.Now().Add(a.ahead).UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/json")
	status := func(code int, reason string) {
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d}`, reason, code)
	}
	namespace, name, _ := strings.Cut(a.owner, "/")
	switch {
	case r.URL.Path == "/version":
		_, _ = io.WriteString(w, `{"gitVersion":"v1.36.3"}`)
	case strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews"):
		var review authorization.SelfSubjectAccessReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			status(http.StatusBadRequest, err.Error())
			return
		}
		asked := *review.Spec.ResourceAttributes
		review.Status.Allowed = (a.denied == nil || !a.denied(asked)) && (asked.Resource != "apiservices" || a.owner != "forbidden")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(review)
	case strings.HasSuffix(r.URL.Path, "/configmaps/extension-apiserver-authentication"):
		_, _ = fmt.Fprintf(w, `{"kind":"ConfigMap","apiVersion":"v1","data":{"requestheader-client-ca-file":%q}}`, a.header)
	case a.owner == "forbidden":
		status(http.StatusForbidden, "Forbidden")
	case a.owner == "":
		status(http.StatusNotFound, "NotFound")
	default:
		_, _ = fmt.Fprintf(w, `{"spec":{"service":{"namespace":%q,"name":%q}},"status":{"conditions":[{"type":"Available","status":%q,"message":"why"}]}}`, namespace, name, a.status)
	}
}

// checkAt returns what is found at an API server.
func checkAt(t *testing.T, url string, change func(*Extension)) string {
	t.Helper()
	e := New()
	e.client.Kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{name: x, cluster: {server: %q}}]\ncontexts: [{name: x, context: {cluster: x, user: x}}]\n"+
		"users: [{name: x, user: {token: canary-token}}]\n", url)
	if err := os.WriteFile(e.client.Kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(e)
	}
	var report check.Report
	e.Check(t.Context(), &report)
	var out bytes.Buffer
	if err := report.Print(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "canary") {
		t.Errorf("the token is shown:\n%s", out.String())
	}
	return out.String()
}

func TestCheckOfKubernetes(t *testing.T) {
	pods := func(a authorization.ResourceAttributes) bool { return a.Resource == "pods" && a.Verb == "watch" }
	for name, c := range map[string]struct {
		server apiServer
		change func(*Extension)
		want   []string
		failed int
	}{
		"all is well": {
			apiServer{owner: "kafka-lag-adapter/lag-adapter", status: "True", header: "CA"}, nil,
			[]string{"is v1.36.3", "clock agrees", "18 of the 18 rights", "signs the requests", "v1beta2.custom.metrics.k8s.io is served by kafka-lag-adapter/lag-adapter"}, 0,
		},
		"a needed right": {
			apiServer{denied: pods, owner: "forbidden", header: "CA"}, nil,
			[]string{"FAIL  kubernetes: no right to watch pods: no Pods metric", "17 of the 18", "is not ours to see; look at kubectl get apiservice v1beta1.custom"}, 1,
		},
		"a right that the settings do not need": {
			apiServer{denied: pods, owner: "forbidden", header: "CA"}, func(e *Extension) { e.bind = bindSelector }, []string{"16 of the 16 rights"}, 0,
		},
		"a right for some kinds": {
			apiServer{denied: func(a authorization.ResourceAttributes) bool {
				return a.Subresource == "scale" || a.Resource == "kafkatopics"
			}, header: "CA"}, nil,
			[]string{"warn  kubernetes: no right to get *.*/scale: Object metrics", "no right to list kafkatopics.kafka.strimzi.io", "nobody serves v1beta1.custom.metrics.k8s.io"}, 0,
		},
		"the clock": {
			apiServer{ahead: time.Hour, header: "CA"}, nil, []string{"FAIL  kubernetes: this machine's clock and the API server's differ by 59m"}, 1,
		},
		"the other way": {
			apiServer{ahead: -time.Hour, header: "CA"}, nil, []string{"differ by 59m59s or more"}, 1,
		},
		"another owner": {
			apiServer{owner: "monitoring/prometheus-adapter", status: "True", header: "CA"}, func(e *Extension) { e.server.ExternalMetrics = true },
			[]string{"v1beta1.custom.metrics.k8s.io is served by monitoring/prometheus-adapter, which does not look like us", "v1beta1.external.metrics.k8s.io is served"}, 0,
		},
		"not available, and no aggregation": {
			apiServer{owner: "x/lag-adapter", status: "False"}, nil, []string{"is not available: why", "FAIL  kubernetes: the API server has no aggregation layer"}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(&c.server)
			t.Cleanup(server.Close)
			text := checkAt(t, server.URL, c.change)
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing", want)
				}
			}
			if failed := strings.Count(text, "FAIL"); failed != c.failed || t.Failed() {
				t.Errorf("%d failures:\n%s", failed, text)
			}
		})
	}
}

func TestCheckWithoutKubernetes(t *testing.T) {
	if text := checkAt(t, "http://127.0.0.1:1", nil); !strings.Contains(text, "FAIL  kubernetes: the API server cannot be reached") {
		t.Error(text)
	}
	if text := checkAt(t, "", func(e *Extension) { e.client.Kubeconfig = "/nowhere" }); !strings.Contains(text, "FAIL  kubernetes: find the cluster") {
		t.Error(text)
	}
}

// What is asked for is what manifests/base/rbac.yaml grants by rules of its own, no more and no less.
func TestRightsAreThoseOfTheManifest(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "manifests", "base", "rbac.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var granted []string
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		var role rbac.ClusterRole
		if err := decoder.Decode(&role); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, rule := range role.Rules {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					granted = append(granted, verb+" "+rule.APIGroups[0]+" "+resource)
				}
			}
		}
	}
	var asked []string
	for _, r := range New().rights() {
		delegated := r.Name != "" || strings.HasSuffix(r.Resource, "reviews") // by roles that Kubernetes has
		if resource := strings.TrimSuffix(r.Resource+"/"+r.Subresource, "/"); !delegated {
			asked = append(asked, r.Verb+" "+r.Group+" "+resource)
		}
	}
	slices.Sort(granted)
	slices.Sort(asked)
	if len(granted) == 0 || !slices.Equal(granted, asked) {
		t.Errorf("granted: %q\nasked for: %q", granted, asked)
	}
}
