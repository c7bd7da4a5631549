package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// stranger is somebody who asks the adapter's secure port directly, past kube-apiserver.
type stranger struct {
	cert    *pki.Pair
	headers http.Header
	known   bool // is authenticated, and has no rights
}

// forged are what only kube-apiserver may say of who asks.
func forged(user string, groups ...string) http.Header {
	return http.Header{"X-Remote-User": {user}, "X-Remote-Group": groups, "X-Remote-Extra-Scopes": {"all"}}
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// client makes a client that trusts the serving certificates of these CAs.
func (s stranger) client(t *testing.T, cas ...string) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	for _, file := range append(cas, shared.Adapter.CA) {
		ca, err := os.ReadFile(file)
		suite.Try(t, err)
		roots.AppendCertsFromPEM(ca)
	}
	config := &tls.Config{RootCAs: roots, ServerName: stack.Name + "." + stack.Namespace + ".svc", MinVersion: tls.VersionTLS12}
	if s.cert != nil {
		pair, err := tls.X509KeyPair(s.cert.Cert, s.cert.Key)
		suite.Try(t, err)
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ask returns the status and the body of an answer of the secure port.
func (s stranger) ask(ctx context.Context, client *http.Client, method, path string) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, method, shared.Adapter.URL+path, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	for name, values := range s.headers {
		request.Header[name] = values
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// admin may do everything, by a certificate of the cluster's CA.
func admin(t *testing.T) stranger {
	t.Helper()
	pair, err := shared.ControlPlane.CA.Client("admin", "system:masters")
	suite.Try(t, err)
	return stranger{cert: &pair}
}

// crawl returns every path that the adapter tells of: by its index, by both forms of OpenAPI, and by discovery.
func crawl(ctx context.Context, t *testing.T) []string {
	t.Helper()
	as := admin(t)
	client := as.client(t)
	found := map[string]bool{}
	document := func(path string, into any) {
		t.Helper()
		code, body, err := as.ask(ctx, client, http.MethodGet, path)
		if err != nil || code != http.StatusOK {
			t.Fatalf("%s: %d %s %v", path, code, body, err)
		}
		suite.Try(t, json.Unmarshal([]byte(body), into))
		found[path] = true
	}
	var openAPI struct {
		Paths map[string]any `json:"paths"`
	}
	document("/openapi/v2", &openAPI)
	var index struct {
		Paths map[string]struct {
			URL string `json:"serverRelativeURL"`
		} `json:"paths"`
	}
	document("/openapi/v3", &index)
	for _, group := range index.Paths {
		document(group.URL, &openAPI) // adds
	}
	for path := range openAPI.Paths {
		found[filled(path)] = true
	}
	var root struct {
		Paths []string `json:"paths"`
	}
	document("/", &root)
	for _, path := range root.Paths {
		found[path] = true
	}
	var groups metav1.APIGroupList
	document("/apis", &groups)
	for _, group := range groups.Groups {
		for _, version := range group.Versions {
			base := "/apis/" + version.GroupVersion
			var resources metav1.APIResourceList
			document(base, &resources)
			for _, r := range resources.APIResources {
				kind, metric, two := strings.Cut(r.Name, "/")
				switch {
				case !two:
					found[base+"/namespaces/default/"+kind] = true
				case kind == "namespaces":
					found[base+"/namespaces/default/metrics/"+metric] = true
				default:
					found[base+"/namespaces/default/"+kind+"/x/"+metric] = true
					found[base+"/namespaces/default/"+kind+"/*/"+metric] = true
				}
			}
		}
	}
	return slices.Sorted(func(yield func(string) bool) {
		for path := range found {
			if !yield(path) {
				return
			}
		}
	})
}

// filled puts names into the place of a path's parameters.
func filled(path string) string {
	return regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "x")
}

// discovery says whether the cluster lets everybody whom it knows read the path (the ClusterRole system:discovery).
func discovery(path string) bool {
	return path == "/version" || path == "/version/" || path == "/api" || path == "/apis" || path == "/apis/" ||
		regexp.MustCompile(`^/apis/[^/]+(/[^/]+)?/?$`).MatchString(path) || strings.HasPrefix(path, "/openapi")
}

// TestStrangers has everybody who has no right to it ask for everything there is, and for what servers often have.
func TestStrangers(t *testing.T) {
	ctx := suite.Within(t, 5*time.Minute)
	withExternal(ctx, t)
	ca, others := shared.ControlPlane.CA, newCA(t, "strangers")
	masters := forged("admin", "system:masters")
	token, err := shared.ControlPlane.Client.CoreV1().ServiceAccounts("default").CreateToken(ctx, "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	suite.Try(t, err)
	all := map[string]stranger{
		"nobody":                                   {},
		"a wrong token":                            {headers: bearer("wrong")},
		"an expired token's look":                  {headers: bearer("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl")},
		"a password":                               {headers: http.Header{"Authorization": {"Basic YWRtaW46YWRtaW4="}}},
		"a ServiceAccount without rights":          {headers: bearer(token.Status.Token), known: true},
		"forged headers":                           {headers: masters},
		"forged headers, a user's certificate":     {headers: masters, cert: issue(t, ca, "somebody"), known: true},
		"forged headers, another CA's certificate": {headers: masters, cert: issue(t, others, "front-proxy-client")},
		"forged headers, the front proxy's CA, but another name": {headers: masters, cert: issue(t, shared.ControlPlane.FrontProxyCA, "somebody")},
		"another CA's certificate":                               {cert: issue(t, others, "admin", "system:masters")},
	}
	paths := append(crawl(ctx, t), "/", "/metrics", "/metrics/slis", "/metrics/resources", "/version", "/configz", "/flagz", "/statusz", "/logs", "/debug/pprof", "/debug/pprof/", "/debug/pprof/heap",
		"/debug/pprof/profile", "/debug/pprof/goroutine?debug=2", "/debug/flags/v", "/debug/vars", "/livez/ping", "/readyz/ping", "/healthz/ping", "/readyz?verbose", "/swagger.json", "/apis/apps/v1", "/api/v1/secrets",
		"/apis/custom.metrics.k8s.io/v1beta2/namespaces/kube-system/metrics/kafka_consumergroup_lag", "//metrics", "/livez/../metrics", "/%6detrics", "/.")
	if len(paths) < 60 {
		t.Errorf("only %d paths were found: %v", len(paths), paths)
	}
	t.Logf("%d paths", len(paths))
	for name, who := range all {
		client := who.client(t)
		for _, path := range paths {
			checkStranger(ctx, t, name, who, client, path)
		}
	}
	as := admin(t)
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/flags/v"} {
		if code, body, err := as.ask(ctx, as.client(t), http.MethodGet, path); err != nil || code != http.StatusNotFound {
			t.Errorf("%s is there for who may do everything: %d %.200s %v", path, code, body, err)
		}
	}
	proxy := stranger{headers: masters, cert: issue(t, shared.ControlPlane.FrontProxyCA, "front-proxy-client")}
	if code, body, err := proxy.ask(ctx, proxy.client(t), http.MethodGet, "/metrics"); err != nil || code != http.StatusOK {
		t.Errorf("the front proxy itself is not believed: %d %.200s %v", code, body, err)
	}
	checkWebPort(ctx, t)
}

// checkStranger asks for a path in two ways, and takes nothing but refusals: for all but the health paths, and what the cluster lets
// everybody read whom it knows.
func checkStranger(ctx context.Context, t *testing.T, name string, who stranger, client *http.Client, path string) {
	t.Helper()
	plain, _, _ := strings.Cut(path, "?")
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		code, body, err := who.ask(ctx, client, method, path)
		switch {
		case err == nil && (code == http.StatusUnauthorized || code == http.StatusForbidden):
		case err == nil && slices.Contains([]string{"/livez", "/readyz", "/healthz"}, plain) && code < 500:
		case err == nil && who.known && discovery(plain):
		default:
			t.Errorf("%s: %s %s is answered by %d %.200s %v", name, method, path, code, body, err)
		}
	}
}

// checkWebPort asks the other port, which has what may be scraped and no more.
func checkWebPort(ctx context.Context, t *testing.T) {
	t.Helper()
	for path, want := range map[string]int{
		"/metrics": 200, "/livez": 200, "/readyz": 200, "/": 200, "/debug/pprof/": 404, "/debug/pprof/heap": 404, "/debug/vars": 404, "/debug/requests": 404,
		"/version": 404, "/apis": 404, "/config": 404, "/-/reload": 403, "/-/quit": 404, "/apis/custom.metrics.k8s.io/v1beta2": 404,
	} {
		if code, body, err := scrape(ctx, path); err != nil || code != want {
			t.Errorf("port of /metrics: %s is answered by %d %.200s %v, want %d", path, code, body, err, want)
		}
	}
}

func newCA(t *testing.T, name string) *pki.CA {
	t.Helper()
	ca, err := pki.NewCA(name)
	suite.Try(t, err)
	return ca
}

func issue(t *testing.T, ca *pki.CA, name string, groups ...string) *pki.Pair {
	t.Helper()
	pair, err := ca.Client(name, groups...)
	suite.Try(t, err)
	return &pair
}
