package adapter

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	cmclient "k8s.io/metrics/pkg/client/custom_metrics"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// start runs the rig's server; stop ends it and returns its error.
func (r *rig) start(t *testing.T) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.server.Run(ctx) }()
	stop = func() error {
		cancel()
		return <-done
	}
	t.Cleanup(cancel)
	client := r.client(t, nil)
	eventually(t, "the server is ready", func() bool { return status(client, r.url("/readyz")) == http.StatusOK })
	return stop
}

func (r *rig) url(path string) string { return "https://" + r.server.Addr().String() + path }

// client is an HTTP client of that certificate.
func (r *rig) client(t *testing.T, cert *tls.Certificate) *http.Client {
	t.Helper()
	config := &tls.Config{RootCAs: r.serving.pool()}
	if cert != nil {
		config.Certificates = []tls.Certificate{*cert}
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// status is the status code of a GET, 0 if there was none.
func status(client *http.Client, url string) int {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0
	}
	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return 0
	}
	return response.StatusCode
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
		if holds() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// TestHPAClient asks with the client of the HorizontalPodAutoscaler's controller, over the network.
func TestHPAClient(t *testing.T) {
	rig := newRig(t)
	stop := rig.start(t)
	cert := rig.clients.issue(hpaUser)
	certFile, keyFile := keyPair(t, cert)
	config := &rest.Config{Host: rig.url(""), TLSClientConfig: rest.TLSClientConfig{
		CAFile: rig.serving.file(), CertFile: certFile, KeyFile: keyFile,
	}}
	consumers := labels.SelectorFromSet(labels.Set{"app": "consumer"})
	orders := labels.SelectorFromSet(labels.Set{"consumergroup": "orders"})
	for _, version := range []schema.GroupVersion{{Group: "custom.metrics.k8s.io", Version: "v1beta1"}, {Group: "custom.metrics.k8s.io", Version: "v1beta2"}} {
		client := cmclient.NewForConfig(config, mapper(), fixedVersion(version)).NamespacedMetrics("default")
		list, err := client.GetForObjects(schema.GroupKind{Kind: "Pod"}, consumers, MetricLag, orders)
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Items) != 3 || list.Items[2].Value.Value() != 14 || !list.Items[2].Timestamp.Time.Equal(readAt) {
			t.Errorf("%s: pods have %+v", version, list.Items)
		}
		item, err := client.GetForObject(schema.GroupKind{Group: "apps", Kind: "Deployment"}, "consumer", MetricLagMax, orders)
		if err != nil {
			t.Fatal(err)
		}
		if item.Value.Value() != 20 || item.DescribedObject.Name != "consumer" {
			t.Errorf("%s: the Deployment has %+v", version, item)
		}
		_, err = client.GetForObjects(schema.GroupKind{Kind: "Pod"}, consumers, MetricLag, labels.SelectorFromSet(labels.Set{"consumergroup": "oders"}))
		expectStatus(t, err, 404, "consumergroup=oders")
	}
	available := cmclient.NewAvailableAPIsGetter(discovery.NewDiscoveryClientForConfigOrDie(config))
	if version, err := available.PreferredVersion(); err != nil || version.Version == "" {
		t.Errorf("the preferred version is %v, %v", version, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(rig.registry, "metrics_apiserver_metric_freshness_seconds"); n == 0 || err != nil { // one per API
		t.Errorf("%d series of freshness, %v", n, err)
	}
}

// mapper knows the two kinds that the tests ask for.
func mapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper([]schema.GroupVersion{{Version: "v1"}, {Group: "apps", Version: "v1"}})
	m.Add(schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, meta.RESTScopeNamespace)
	m.Add(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, meta.RESTScopeNamespace)
	return m
}

type fixedVersion schema.GroupVersion

func (f fixedVersion) PreferredVersion() (schema.GroupVersion, error) {
	return schema.GroupVersion(f), nil
}

func TestHealthPathsAreOpenAndTheRestIsNot(t *testing.T) {
	rig := newRig(t)
	stop := rig.start(t)
	nobody := rig.client(t, nil)
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/healthz": 200, "/metrics": 403, v1beta2: 403, "/debug/pprof/": 403} {
		if got := status(nobody, rig.url(path)); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestReadyHasTheLastWord(t *testing.T) {
	ready := make(chan struct{})
	rig := newRig(t, func(o *Options) {
		o.Ready = func() error {
			select {
			case <-ready:
				return nil
			default:
				return fmt.Errorf("the pods are not known yet")
			}
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- rig.server.Run(ctx) }()
	client := rig.client(t, nil)
	eventually(t, "the server lives", func() bool { return status(client, rig.url("/livez")) == http.StatusOK })
	if got := status(client, rig.url("/readyz")); got != http.StatusInternalServerError {
		t.Errorf("/readyz is %d before the server is ready", got)
	}
	close(ready)
	eventually(t, "the server is ready", func() bool { return status(client, rig.url("/readyz")) == http.StatusOK })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLiveFailsWithTheCollector(t *testing.T) {
	stuck := false
	rig := newRig(t, func(o *Options) {
		o.Live = func() error {
			if stuck {
				return fmt.Errorf("no poll has ended")
			}
			return nil
		}
	})
	stop := rig.start(t)
	client := rig.client(t, nil)
	if got := status(client, rig.url("/livez")); got != http.StatusOK {
		t.Errorf("/livez is %d while the collector polls", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	stuck = true // nothing asks any more: no race
	recorder := httptest.NewRecorder()
	rig.server.handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/livez", http.NoBody))
	if recorder.Code != http.StatusInternalServerError {
		t.Errorf("/livez is %d while the collector is stuck", recorder.Code)
	}
}

// TestShutdownInOrder checks that /readyz fails while requests are still taken, that a request under way is answered, and that
// nothing is left behind.
func TestShutdownInOrder(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	rig := newRig(t, func(o *Options) { o.ShutdownDelay = maxShutdownDelay })
	entered, release := make(chan struct{}), make(chan struct{})
	pods := rig.provider.cfg.Pods
	rig.provider.cfg.Pods = fakePods{exists: pods.Exists, list: func(namespace string, selector labels.Selector) ([]lag.Pod, error) {
		close(entered)
		<-release
		return pods.List(namespace, selector)
	}}
	stop := rig.start(t)
	hpa := rig.clients.issue(hpaUser)
	asking, probing := rig.client(t, &hpa), rig.client(t, nil)
	const query = "?labelSelector=app%3Dconsumer&metricLabelSelector=consumergroup%3Dorders"
	answered := make(chan int, 1)
	go func() {
		answered <- status(asking, rig.url(v1beta2+"/namespaces/default/pods/*/kafka_consumergroup_lag"+query))
	}()
	<-entered

	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	eventually(t, "/readyz fails", func() bool { return status(probing, rig.url("/readyz")) == http.StatusInternalServerError })
	if got := status(probing, rig.url("/livez")); got != http.StatusOK {
		t.Errorf("/livez is %d during the delay", got)
	}
	if got := status(asking, rig.url(v1beta2+"/namespaces/default/pods/consumer-a/kafka_consumergroup_lag"+query)); got != http.StatusOK {
		t.Errorf("a request during the delay is answered by %d", got)
	}
	close(release)
	if got := <-answered; got != http.StatusOK {
		t.Errorf("the request under way is answered by %d", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	asking.CloseIdleConnections()
	probing.CloseIdleConnections()
	goleak.VerifyNone(t, ignore)
}

func TestTLSIsModern(t *testing.T) {
	rig := newRig(t)
	stop := rig.start(t)
	for name, config := range map[string]*tls.Config{
		"TLS 1.1":                 {MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10},
		"TLS 1.2 without an AEAD": {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
	} {
		config.RootCAs = rig.serving.pool()
		dialer := &tls.Dialer{Config: config}
		if conn, err := dialer.DialContext(t.Context(), "tcp", rig.server.Addr().String()); err == nil {
			defer conn.Close()
			t.Errorf("%s is spoken", name)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestServerThatCannotBeBuilt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		says   string
	}{
		"no client CA file": {func(o *Options) { o.Authentication.ClientCert.ClientCA = "/no/such/file" }, "/no/such/file"},
		"no certificate":    {func(o *Options) { o.SecureServing.ServerCert.CertKey.CertFile = "/no/such/file" }, "/no/such/file"},
		"no cluster to ask": {func(o *Options) { o.Authorizer = nil }, "--kubeconfig"},
	} {
		t.Run(name, func(t *testing.T) {
			rig := newRig(t)
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			opts := rig.opts
			opts.Listener = listener
			c.change(opts)
			if _, err := NewServer(opts, rig.provider, rig.registry); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error with %q", err, c.says)
			}
			if err := listener.Close(); err == nil {
				t.Error("the listener was left open")
			}
		})
	}
}

func (fixedVersion) Invalidate() {}
