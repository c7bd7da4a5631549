package watch

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
)

// TestAnswers: the product's own errors are answers; others are what must not be.
func TestAnswers(t *testing.T) {
	status := `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"it is not known","reason":%q,"code":%d}`
	for name, c := range map[string]struct {
		code    int
		body    string
		refused bool
		rules   []check.Rule
	}{
		"a value":               {200, `{"items":[{"describedObject":{"name":"here"},"timestamp":"2026-01-02T03:04:05Z","value":"3k"}]}`, false, nil},
		"a pod that is not":     {200, `{"items":[{"describedObject":{"name":"ghost"},"timestamp":"2026-01-02T03:04:05Z","value":"3"}]}`, false, []check.Rule{check.Ghost}},
		"not known":             {503, fmt.Sprintf(status, "ServiceUnavailable", 503), true, nil},
		"not there":             {404, fmt.Sprintf(status, "NotFound", 404), true, nil},
		"the product cannot be": {503, "service unavailable", false, []check.Rule{check.Health}},
		"forbidden":             {403, fmt.Sprintf(status, "Forbidden", 403), false, []check.Rule{check.Health}},
		"a fault of its own":    {500, fmt.Sprintf(status, "InternalError", 500), false, []check.Rule{check.Health}},
	} {
		t.Run(name, func(t *testing.T) {
			client := serving(t, c.code, c.body)
			w := &Watch{
				targets: Targets{Client: client, API: client, Namespace: "default", Metric: "lag"}, log: check.NewLog(),
				pods: &pods{client: client, namespace: "default", seen: map[string]time.Time{}},
			}
			w.ask(t.Context(), "", client, Subject{"pods", "group"})
			if refused := w.log.Refusals["pods group"] > 0; refused != c.refused {
				t.Errorf("refused: %v, want %v", refused, c.refused)
			}
			var rules []check.Rule
			for _, e := range w.log.Events {
				rules = append(rules, e.Rule)
			}
			if fmt.Sprint(rules) != fmt.Sprint(c.rules) || len(w.errs) > 0 {
				t.Errorf("%v (%v), want %v", w.log.Events, w.errs, c.rules)
			}
			if c.code == 200 && (len(w.log.Claims) != 1 || w.log.Claims[0].Value%3 != 0) {
				t.Errorf("claims are %+v", w.log.Claims)
			}
		})
	}
}

// serving is a client of an API server where the metrics API answers so, and the only pod is called here.
func serving(t *testing.T, code int, body string) kubernetes.Interface {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !strings.Contains(r.URL.Path, "custom.metrics") {
			fmt.Fprint(w, `{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"here"}}]}`)
			return
		}
		if !strings.HasPrefix(body, "{") {
			w.Header().Set("Content-Type", "text/plain")
		}
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
