package e2e

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestRequestsThatMakeNoSense asks by the API server for what there is not or cannot be. Each is answered by 400 or 404 with a Status
// that says why; none by 5xx, and none ends the connection.
func TestRequestsThatMakeNoSense(t *testing.T) {
	ctx := suite.Within(t, 3*time.Minute)
	ordersLag(ctx, t, 42)
	withExternal(ctx, t)
	applyExample(ctx, t)
	kubectl(ctx, t, "-n", namespace, "rollout", "status", "deployment/"+consumer, "--timeout=60s")
	const (
		lag  = "/kafka_consumergroup_lag?"
		pods = "/namespaces/default/pods/*" + lag + "labelSelector=app%3Dconsumer&"
		one  = "/namespaces/default/deployments.apps/consumer" + lag
	)
	awaitMetric(ctx, t, "v1beta2"+one+selecting("consumergroup=orders"), 42)
	var names []string
	for i := range 600 {
		names = append(names, fmt.Sprintf("no-such-%03d", i))
	}
	long := "consumergroup in (" + strings.Join(names, ",") + ")" // 7 kB
	tooLong := "consumergroup in (" + strings.Join(append(names, names...), ",") + ")"
	custom := map[string]int{
		"/namespaces/default/pods/*" + lag + "labelSelector=%3D%3D%3D": 400,
		"/namespaces/default/pods/*" + lag + "labelSelector=a+in+(":    400,
		pods + selecting("==="):                                                                   400,
		pods + selecting("consumergroup in ("):                                                    400,
		pods + selecting("team=a"):                                                                400,
		pods + selecting("consumergroup=no-such"):                                                 404,
		pods + selecting("partition=one"):                                                         400,
		pods + selecting(long):                                                                    404,
		pods + selecting(tooLong):                                                                 400,
		pods + selecting(strings.Repeat("x", 10_000)):                                             400,
		one + selecting("consumergroup="+strings.Repeat("x", 64)):                                 400,
		one + selecting("consumergroup=orders,topic=no-such"):                                     404,
		"/namespaces/default/no-such-kinds.example.com/x" + lag:                                   404,
		"/namespaces/default/no-such-kinds/x" + lag:                                               404,
		"/namespaces/default/deployments.apps/no-such" + lag + selecting("consumergroup=orders"):  404,
		"/namespaces/default/services/no-such" + lag + selecting("consumergroup=orders"):          404,
		"/namespaces/no-such/deployments.apps/consumer" + lag + selecting("consumergroup=orders"): 404,
		"/namespaces/default/deployments.apps/consumer/no_such_metric":                            404,
		"/namespaces/default/pods/*/no_such_metric":                                               404,
	}
	for _, name := range []string{"a%2Fb", "%2F", "..", ".", "a..b", "%2e%2e%2fdefault", "%00", "%25", "%20", "A_B", "*%2F*", "**", "%2A*", "%C3%BC", strings.Repeat("x", 10_000)} {
		for _, resource := range []string{"deployments.apps", "services", "pods"} {
			custom["/namespaces/default/"+resource+"/"+name+lag+selecting("consumergroup=orders")] = 0
		}
		custom["/namespaces/default/"+name+"/x"+lag] = 0
		custom["/namespaces/default/deployments.apps/consumer/"+name] = 0
		custom["/namespaces/"+name+"/deployments.apps/consumer"+lag+selecting("consumergroup=orders")] = 0
		custom["/namespaces/"+name+"/metrics"+lag] = 0
	}
	for _, version := range []string{"v1beta1", "v1beta2"} {
		for path, code := range custom {
			checkRefused(ctx, t, "/apis/custom.metrics.k8s.io/"+version+path, code)
		}
	}
	for selector, code := range map[string]int{"===": 400, "team=a": 400, "consumergroup=no-such": 404, long: 404, tooLong: 400, strings.Repeat("x", 10_000): 400, "": 404} {
		checkRefused(ctx, t, externalAPI+"/namespaces/default"+lag+"labelSelector="+url.QueryEscape(selector), code)
	}
	checkRefused(ctx, t, externalAPI+"/namespaces/default/no_such_metric", 404)
	if err := available(ctx); err != nil {
		t.Error(err)
	}
}

// checkRefused asks for what has to be refused, with this status or, where it is 0, with 400 or 404.
func checkRefused(ctx context.Context, t *testing.T, path string, code int) {
	t.Helper()
	got, body := raw(ctx, shared.ControlPlane.Client.CoreV1().RESTClient(), path)
	if code == 0 && (got == 400 || got == 404) || code != 0 && got == code {
		return
	}
	t.Errorf("%.300s: %d instead of %d: %.500s", path, got, code, body)
}

// raw asks by the API server, and returns the status and what was answered, or why nothing was.
func raw(ctx context.Context, client rest.Interface, path string) (code int, body string) {
	result := client.Get().RequestURI(path).Do(ctx).StatusCode(&code)
	answer, err := result.Raw()
	if len(answer) == 0 && err != nil {
		return code, err.Error()
	}
	return code, string(answer)
}
