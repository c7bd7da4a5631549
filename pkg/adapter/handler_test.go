package adapter

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	cmv1beta1 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta1"
	cmv1beta2 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
)

// hpaUser may read the metrics API; nobody else may.
const hpaUser = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"

func allowHPA(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	metrics := a.GetAPIGroup() == "custom.metrics.k8s.io" || a.GetAPIGroup() == "external.metrics.k8s.io"
	if a.GetUser().GetName() == hpaUser && (metrics || !a.IsResourceRequest()) {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "not the HPA", nil
}

// rig is a server that needs no cluster, and the certificates around it.
type rig struct {
	opts     *Options
	provider *Provider
	server   *Server
	registry *prometheus.Registry
	serving  authority
	clients  authority
}

func newRig(t testing.TB, change ...func(*Options)) *rig {
	t.Helper()
	r := &rig{provider: newProvider(), registry: prometheus.NewPedanticRegistry(), serving: newAuthority(t, "serving"), clients: newAuthority(t, "clients")}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // a server that ran has closed it
	opts := NewOptions()
	opts.Listener, opts.ShutdownDelay, opts.ExternalMetrics = listener, 0, true
	opts.SecureServing.ServerCert.CertKey.CertFile, opts.SecureServing.ServerCert.CertKey.KeyFile = keyPair(t, r.serving.issue("adapter"))
	opts.Authentication.SkipInClusterLookup = true
	opts.Authentication.ClientCert.ClientCA = r.clients.file()
	opts.Authorizer = authorizer.AuthorizerFunc(allowHPA)
	for _, f := range change {
		f(opts)
	}
	r.opts = opts
	if errs := opts.Validate(); len(errs) > 0 {
		t.Fatal(errs)
	}
	r.server, err = NewServer(opts, r.provider, r.registry)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// get asks the handler, without a network, as a client with that certificate.
func (r *rig) get(as *x509.Certificate, method, target string, accept ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequestWithContext(context.Background(), method, "https://127.0.0.1"+target, http.NoBody)
	request.Header["Accept"] = accept
	request.TLS = &tls.ConnectionState{}
	if as != nil {
		request.TLS.PeerCertificates = []*x509.Certificate{as}
	}
	recorder := httptest.NewRecorder()
	r.server.handler.ServeHTTP(recorder, request)
	return recorder
}

const (
	v1beta1 = "/apis/custom.metrics.k8s.io/v1beta1"
	v1beta2 = "/apis/custom.metrics.k8s.io/v1beta2"
)

func TestRawRequests(t *testing.T) {
	rig := newRig(t)
	hpa := rig.clients.issue(hpaUser).Leaf
	const pods = "/namespaces/default/pods/*/kafka_consumergroup_lag?labelSelector=app%3Dconsumer"
	const orders = "&metricLabelSelector=consumergroup%3Dorders"
	for name, c := range map[string]struct {
		target string
		code   int
		says   string
	}{
		"pods":                    {pods + orders, 200, `"kafka_consumergroup_lag"`},
		"one pod":                 {"/namespaces/default/pods/consumer-a/kafka_consumergroup_lag?metricLabelSelector=consumergroup%3Dorders", 200, `"value":"42"`},
		"object":                  {"/namespaces/default/deployments.apps/consumer/kafka_consumergroup_lag?metricLabelSelector=consumergroup%3Dorders", 200, `"apps/v1"`},
		"set-based":               {pods + "&metricLabelSelector=consumergroup+in+(orders),partition+notin+(0)", 200, `"value":"8"`},
		"no pod":                  {"/namespaces/empty/pods/*/kafka_consumergroup_lag?metricLabelSelector=consumergroup%3Dorders", 404, "no pod of namespace"},
		"no group":                {pods + "&metricLabelSelector=consumergroup%3Doders", 404, "consumergroup=oders"},
		"not known":               {pods + "&metricLabelSelector=consumergroup%3Dlost", 503, "ListOffsets at broker 2"},
		"no metric selector":      {pods, 404, "matchLabels.consumergroup"},
		"bad metric selector":     {pods + "&metricLabelSelector=consumergroup%3D%3D%3D", 400, "metricLabelSelector"},
		"bad label selector":      {strings.Replace(pods, "app%3Dconsumer", "((", 1) + orders, 400, "labelSelector"},
		"broken escape":           {"/namespaces/default/pods/*/kafka_consumergroup_lag?labelSelector=app%ZZconsumer" + orders, 400, "does not decode"},
		"semicolon":               {pods + orders + ";x", 400, "does not decode"},
		"selector twice":          {pods + orders + orders, 400, "2 times"},
		"unknown label":           {pods + "&metricLabelSelector=group%3Dorders", 400, "consumergroup"},
		"long selector":           {pods + "&metricLabelSelector=consumergroup+in+(" + strings.Repeat("a,", 5000) + "a)", 400, "more than 8192 bytes"},
		"long selectors together": {"/namespaces/default/pods/*/m?labelSelector=a+in+(" + strings.Repeat("a,", 2500) + "a)&metricLabelSelector=a+in+(" + strings.Repeat("a,", 2500) + "a)", 400, "more than 8192 bytes"},
		"unknown metric":          {"/namespaces/default/pods/*/lag?labelSelector=app%3Dconsumer", 404, "kafka_consumergroup_lag_max"},
		"unknown kind":            {"/namespaces/default/widgets.example.com/w/kafka_consumergroup_lag?metricLabelSelector=consumergroup%3Dorders", 404, "widgets"},
		"namespace form":          {"/namespaces/default/metrics/kafka_consumergroup_lag?metricLabelSelector=consumergroup%3Dorders", 200, `"value":"42"`},
		"namespace, granted":      {"/namespaces/granted/metrics/kafka_consumergroup_lag", 200, `"value":"47"`},
		"namespace, nothing":      {"/namespaces/default/metrics/kafka_consumergroup_lag", 404, "no consumer group is bound to namespace"},
		"namespace, no metric":    {"/namespaces/default/metrics/lag", 404, "kafka_consumergroup_lag_max"},
		"namespace, subpath":      {"/namespaces/default/metrics/kafka_consumergroup_lag/x", 404, "goes on behind the metric"},
		"all namespaces":          {"/namespaces/*/metrics/kafka_consumergroup_lag", 404, "and namespaces themselves"},
		"bad namespace":           {"/namespaces/De.fault/metrics/kafka_consumergroup_lag", 400, "no name of a namespace"},
		"namespace in another":    {"/namespaces/default/namespaces/granted/kafka_consumergroup_lag", 404, "namespaces"},
		"root-scoped":             {"/nodes/n1/kafka_consumergroup_lag", 404, "only objects in a namespace"},
		"slash in the name":       {"/namespaces/default/pods/a%2Fb/kafka_consumergroup_lag", 404, "could not find the requested resource"},
		"percent in the name":     {"/namespaces/default/pods/a%2525b/kafka_consumergroup_lag", 400, "no name of an object"},
		"subpath":                 {"/namespaces/default/pods/a/kafka_consumergroup_lag/x", 404, "could not find the requested resource"},
		"no metric":               {"/namespaces/default/pods", 400, "invalid request path"},
		"pods by selector broken": {strings.Replace(pods, "default", "broken", 1) + orders, 503, "not known yet"},
		"foreign field selector":  {pods + orders + "&fieldSelector=metadata.name%3Dx", 400, "fieldSelector"},
		"limit that is no number": {pods + orders + "&limit=x", 400, "invalid syntax"},
		"watch":                   {pods + orders + "&watch=true", 200, `"kafka_consumergroup_lag"`},
	} {
		for _, version := range []string{v1beta1, v1beta2} {
			t.Run(name+version[len(version)-8:], func(t *testing.T) {
				answer := rig.get(hpa, http.MethodGet, version+c.target)
				if answer.Code != c.code || !strings.Contains(answer.Body.String(), c.says) {
					t.Errorf("got %d %s, want %d with %q", answer.Code, answer.Body, c.code, c.says)
				}
				if answer.Code != http.StatusOK {
					expectStatusBody(t, answer)
				}
			})
		}
	}
}

// expectStatusBody checks that an error is told as the API tells errors.
func expectStatusBody(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	var status metav1.Status
	if err := json.Unmarshal(answer.Body.Bytes(), &status); err != nil {
		t.Fatalf("%d with a body that is no JSON: %q", answer.Code, answer.Body)
	}
	// What the server's timeout writes has no kind.
	if (status.Kind != "Status" && answer.Code != http.StatusGatewayTimeout) || int(status.Code) != answer.Code || status.Message == "" || status.Reason == "" {
		t.Errorf("%d with %+v", answer.Code, status)
	}
}

func TestPathsOfNothing(t *testing.T) {
	rig := newRig(t)
	hpa := rig.clients.issue(hpaUser).Leaf
	for _, target := range []string{"/x", "/apis/x", "/debug/pprof/"} {
		answer := rig.get(hpa, http.MethodGet, target)
		if answer.Code != http.StatusNotFound || !strings.Contains(answer.Body.String(), "nothing is served at") {
			t.Errorf("%s: %d %s", target, answer.Code, answer.Body)
		}
		expectStatusBody(t, answer)
	}
}

// The API server library panics when it counts a request under a path that is no text, which it does at a timeout.
func TestPathThatIsNoText(t *testing.T) {
	rig := newRig(t)
	answer := rig.get(nil, http.MethodGet, "/apis/custom.metrics.k8s.io/%95?timeout=1ns")
	if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), "UTF-8") {
		t.Errorf("got %d %s", answer.Code, answer.Body)
	}
	expectStatusBody(t, answer)
}

func TestAnswersOfBothVersions(t *testing.T) {
	rig := newRig(t)
	hpa := rig.clients.issue(hpaUser).Leaf
	const target = "/namespaces/default/pods/*/kafka_consumergroup_lag?labelSelector=app%3Dconsumer&metricLabelSelector=consumergroup%3Dorders"

	var one cmv1beta1.MetricValueList
	decode(t, rig.get(hpa, http.MethodGet, v1beta1+target), &one)
	if len(one.Items) != 3 || one.Items[0].MetricName != MetricLag || one.Items[0].Selector.MatchLabels["consumergroup"] != "orders" ||
		one.Items[0].Value.Value() != 14 || !one.Items[0].Timestamp.Time.Equal(readAt) {
		t.Errorf("v1beta1: %+v", one.Items)
	}
	var two cmv1beta2.MetricValueList
	decode(t, rig.get(hpa, http.MethodGet, v1beta2+target), &two)
	if len(two.Items) != 3 || two.Items[0].Metric.Name != MetricLag || two.Items[0].Metric.Selector.MatchLabels["consumergroup"] != "orders" ||
		two.Items[0].Value.Value() != 14 || !two.Items[0].Timestamp.Time.Equal(readAt) {
		t.Errorf("v1beta2: %+v", two.Items)
	}
}

func TestDiscovery(t *testing.T) {
	rig := newRig(t)
	hpa := rig.clients.issue(hpaUser).Leaf
	var group metav1.APIGroup
	decode(t, rig.get(hpa, http.MethodGet, "/apis/custom.metrics.k8s.io"), &group)
	if group.Name != "custom.metrics.k8s.io" || group.PreferredVersion.Version == "" || len(group.Versions) != 2 {
		t.Errorf("the group is %+v", group)
	}
	for _, version := range []string{v1beta1, v1beta2} {
		var list metav1.APIResourceList
		decode(t, rig.get(hpa, http.MethodGet, version), &list)
		names := map[string]bool{}
		for _, r := range list.APIResources {
			names[r.Name] = r.Namespaced
		}
		if scoped, listed := names["namespaces/kafka_consumergroup_lag"]; len(names) != 28 || !names["pods/kafka_consumergroup_lag"] ||
			!names["deployments.apps/kafka_consumergroup_lag"] || scoped || !listed {
			t.Errorf("%s lists %v", version, names)
		}
	}
	var all apidiscoveryv2.APIGroupDiscoveryList
	decode(t, rig.get(hpa, http.MethodGet, "/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"), &all)
	if len(all.Items) != 2 || len(all.Items[0].Versions) != 2 || len(all.Items[0].Versions[0].Resources) != 7 ||
		len(all.Items[0].Versions[1].Resources[0].Subresources) != 4 || len(all.Items[1].Versions) != 1 || len(all.Items[1].Versions[0].Resources) != 4 {
		t.Errorf("aggregated discovery has %+v", all.Items)
	}
	for target, says := range map[string]string{
		"/openapi/v2": "kafka-lag-adapter",
		"/openapi/v3/apis/custom.metrics.k8s.io/v1beta1":   "MetricValueList",
		"/openapi/v3/apis/custom.metrics.k8s.io/v1beta2":   "MetricValueList",
		"/openapi/v3/apis/external.metrics.k8s.io/v1beta1": "ExternalMetricValueList",
		"/version": "gitVersion",
		"/metrics": "apiserver_request_total",
		"/":        "custom.metrics.k8s.io/v1beta2",
	} {
		if answer := rig.get(hpa, http.MethodGet, target); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), says) {
			t.Errorf("%s: %d without %q", target, answer.Code, says)
		}
	}
}

func TestAccess(t *testing.T) {
	rig := newRig(t)
	hpa, other := rig.clients.issue(hpaUser).Leaf, rig.clients.issue("mallory", "system:masters").Leaf
	stranger := newAuthority(t, "clients").issue(hpaUser).Leaf
	const lag = v1beta2 + "/namespaces/default/pods/consumer-a/kafka_consumergroup_lag?metricLabelSelector=consumergroup%3Dorders"
	for name, c := range map[string]struct {
		as     *x509.Certificate
		target string
		code   int
	}{
		"the HPA":                      {hpa, lag, 200},
		"another user":                 {other, lag, 403},
		"another user, bad selector":   {other, lag + "%3D%3D", 403},
		"a stranger's certificate":     {stranger, lag, 401},
		"nobody":                       {nil, lag, 403},
		"nobody: metrics":              {nil, "/metrics", 403},
		"nobody: discovery":            {nil, v1beta1, 403},
		"profiling is off":             {hpa, "/debug/pprof/", 404},
		"nobody: a path of no meaning": {nil, "/x", 403},
	} {
		t.Run(name, func(t *testing.T) {
			if answer := rig.get(c.as, http.MethodGet, c.target); answer.Code != c.code {
				t.Errorf("got %d %s, want %d", answer.Code, answer.Body, c.code)
			}
		})
	}
}

func TestOtherMethods(t *testing.T) {
	rig := newRig(t)
	hpa := rig.clients.issue(hpaUser).Leaf
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		answer := rig.get(hpa, method, v1beta2+"/namespaces/default/pods/consumer-a/kafka_consumergroup_lag")
		if answer.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d %s", method, answer.Code, answer.Body)
		}
		expectStatusBody(t, answer)
	}
}

func decode(t *testing.T, answer *httptest.ResponseRecorder, into any) {
	t.Helper()
	if answer.Code != http.StatusOK {
		t.Fatalf("got %d %s", answer.Code, answer.Body)
	}
	if err := json.Unmarshal(answer.Body.Bytes(), into); err != nil {
		t.Fatal(err)
	}
}
