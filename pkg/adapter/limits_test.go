package adapter

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

const ordersOfPods = v1beta2 + "/namespaces/default/pods/*/kafka_consumergroup_lag?labelSelector=app%3Dconsumer&metricLabelSelector=consumergroup%3Dorders"

func TestWeakTLSIsRefused(t *testing.T) {
	for _, arg := range []string{
		"--tls-min-version=VersionTLS10", "--tls-min-version=VersionTLS11", "--tls-cipher-suites=",
		"--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "--tls-cipher-suites=TLS_RSA_WITH_AES_128_GCM_SHA256",
		"--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
	} {
		opts, _ := parseFlags(t, arg)
		name, value, _ := strings.Cut(arg, "=")
		_, last, _ := strings.Cut(value, ",")
		if last == "" {
			last = value
		}
		err := errors.Join(opts.Validate()...)
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), last) || !strings.Contains(err.Error(), "12") {
			t.Errorf("%s: %v", arg, err)
		}
	}
	for _, arg := range []string{"--tls-min-version=VersionTLS13", "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"} {
		if opts, _ := parseFlags(t, arg); len(opts.Validate()) > 0 {
			t.Errorf("%s: %v", arg, opts.Validate())
		}
	}
}

// TestOneRequestTooMany has as many requests wait as may: one more is told when to come back, and once
// there is room again all are answered.
func TestOneRequestTooMany(t *testing.T) {
	rig := newRig(t)
	entered, release := make(chan struct{}, maxRequests+1), make(chan struct{})
	pods := rig.provider.cfg.Pods
	rig.provider.cfg.Pods = fakePods{exists: pods.Exists, list: func(namespace string, selector labels.Selector) ([]lag.Pod, error) {
		entered <- struct{}{}
		<-release
		return pods.List(namespace, selector)
	}}
	stop := rig.start(t)
	cert := rig.clients.issue(hpaUser)
	rigClient, client := rig.client(t, &cert), rig.client(t, &cert)
	answered := make(chan int, maxRequests)
	for range maxRequests {
		go func() { answered <- status(rigClient, rig.url(ordersOfPods)) }()
	}
	for range maxRequests {
		<-entered
	}
	client.Timeout = 20 * time.Second // should it be taken
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, rig.url(ordersOfPods), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" || response.ProtoMajor != 2 {
		t.Errorf("one too many is answered by %s %s, Retry-After %q", response.Proto, response.Status, response.Header.Get("Retry-After"))
	}
	close(release)
	for range maxRequests {
		if got := <-answered; got != http.StatusOK {
			t.Errorf("one that was taken is answered by %d", got)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestRequestThatWaitsTooLong(t *testing.T) {
	rig := newRig(t)
	release := make(chan struct{})
	rig.provider.cfg.Pods = fakePods{exists: rig.provider.cfg.Pods.Exists, list: func(string, labels.Selector) ([]lag.Pod, error) {
		<-release
		return nil, nil
	}}
	stop := rig.start(t)
	cert := rig.clients.issue(hpaUser)
	if got := status(rig.client(t, &cert), rig.url(ordersOfPods)); got != http.StatusGatewayTimeout {
		t.Errorf("it is answered by %d", got)
	}
	close(release)
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestRequestsTooLarge(t *testing.T) {
	rig := newRig(t)
	stop := rig.start(t)
	cert := rig.clients.issue(hpaUser)
	client := rig.client(t, &cert)
	do := func(change func(*http.Request)) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, rig.url(ordersOfPods), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		change(request)
		response, err := client.Do(request)
		if err != nil {
			return 0 // the connection ended
		}
		defer response.Body.Close()
		_, _ = io.Copy(io.Discard, response.Body)
		return response.StatusCode
	}
	if got := do(func(*http.Request) {}); got != http.StatusOK {
		t.Fatalf("a good request: %d", got)
	}
	if got := do(func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader("{}")), 2 }); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a body: %d", got)
	}
	if got := do(func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, 100<<20))), -1
	}); got != http.StatusRequestEntityTooLarge && got != 0 {
		t.Errorf("an endless body: %d", got)
	}
	if got := do(func(r *http.Request) { r.Header.Set("X-Large", strings.Repeat("x", 2<<20)) }); got != 0 && got != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 2 MiB: %d", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestServingCertificateAndClientCAAreRotated replaces the files of a server that runs.
func TestServingCertificateAndClientCAAreRotated(t *testing.T) {
	rig := newRig(t)
	stop := rig.start(t)
	cert := rig.clients.issue(hpaUser)
	later := newAuthority(t, "later")
	serving := later.issue("adapter")
	certFile, keyFile := keyPair(t, serving)
	replace(t, rig.opts.SecureServing.ServerCert.CertKey.CertFile, certFile)
	replace(t, rig.opts.SecureServing.ServerCert.CertKey.KeyFile, keyFile)
	replace(t, rig.opts.Authentication.ClientCert.ClientCA, later.file())
	rig.serving = later // whom clients trust now
	eventually(t, "the new certificate is served", func() bool { return status(rig.client(t, nil), rig.url("/livez")) == http.StatusOK })
	laterCert := later.issue(hpaUser)
	eventually(t, "clients of the new CA are known", func() bool { return status(rig.client(t, &laterCert), rig.url(ordersOfPods)) == http.StatusOK })
	if got := status(rig.client(t, &cert), rig.url(ordersOfPods)); got == http.StatusOK {
		t.Error("clients of the old CA are still known")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// replace puts the content of another file into the place of a file at once.
func replace(t *testing.T, path, with string) {
	t.Helper()
	if err := os.Rename(with, path); err != nil {
		t.Fatal(err)
	}
}

func TestHTTP2(t *testing.T) {
	rig := newRig(t)
	stop := rig.start(t)
	conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: rig.serving.pool(), NextProtos: []string{"h2"}}}).DialContext(t.Context(), "tcp", rig.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if state := conn.(*tls.Conn).ConnectionState(); state.NegotiatedProtocol != "h2" || state.Version != tls.VersionTLS13 {
		t.Errorf("%q over TLS %x", state.NegotiatedProtocol, state.Version)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestNobodyIsLetThroughByLaxRules: the cluster's own rules let everybody read /version, and might let everybody do anything.
func TestNobodyIsLetThroughByLaxRules(t *testing.T) {
	rig := newRig(t, func(o *Options) {
		o.Authorizer = authorizer.AuthorizerFunc(func(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
			return authorizer.DecisionAllow, "", nil
		})
	})
	hpa := rig.clients.issue(hpaUser)
	for path, want := range map[string]int{"/version": 403, "/metrics": 403, "/apis": 403, ordersOfPods: 403} {
		if got := rig.get(nil, http.MethodGet, path).Code; got != want {
			t.Errorf("nobody: %s is answered by %d, want %d", path, got, want)
		}
		if got := rig.get(hpa.Leaf, http.MethodGet, path).Code; got != 200 {
			t.Errorf("somebody: %s is answered by %d", path, got)
		}
	}
}
