package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// rotationWithin is how soon what was rotated has to count.
const rotationWithin = 2 * time.Minute

// TestFrontProxyCAIsRotated: the adapter believes a new front proxy, which the cluster's ConfigMap names, without a restart.
func TestFrontProxyCAIsRotated(t *testing.T) {
	ctx := suite.Within(t, rotationWithin+time.Minute)
	next := newCA(t, "next-front-proxy")
	who := stranger{headers: forged("admin", "system:masters"), cert: issue(t, next, "front-proxy-client")}
	client := who.client(t)
	if code, _, err := who.ask(ctx, client, http.MethodGet, "/metrics"); err != nil || code != http.StatusUnauthorized && code != http.StatusForbidden {
		t.Fatalf("the new front proxy is answered by %d before it is known: %v", code, err)
	}
	const name, key = "extension-apiserver-authentication", "requestheader-client-ca-file"
	maps := shared.ControlPlane.Client.CoreV1().ConfigMaps("kube-system")
	config, err := maps.Get(ctx, name, metav1.GetOptions{})
	suite.Try(t, err)
	before := config.Data[key]
	t.Cleanup(func() {
		patch, err := json.Marshal(map[string]any{"data": map[string]string{key: before}})
		suite.Try(t, err)
		kubectl(context.Background(), t, "-n", "kube-system", "patch", "configmap", name, "--type=merge", "-p", string(patch))
	})
	config.Data[key] += string(next.Cert)
	_, err = maps.Update(ctx, config, metav1.UpdateOptions{})
	suite.Try(t, err)
	began := time.Now()
	suite.Try(t, await.Until(suite.Within(t, rotationWithin), "the new front proxy to be believed", func(ctx context.Context) error {
		code, body, err := who.ask(ctx, who.client(t), http.MethodGet, "/metrics")
		if err == nil && code != http.StatusOK {
			err = fmt.Errorf("it is answered by %d %.200s", code, body)
		}
		return err
	}))
	t.Logf("believed after %s", time.Since(began).Round(time.Millisecond))
	suite.Try(t, available(ctx))
}

// TestServingCertificateIsRotated replaces the Secret's files of an adapter that runs: it serves the new certificate within 2 minutes, and
// the API stays available once its APIService trusts the new CA.
func TestServingCertificateIsRotated(t *testing.T) {
	ctx := suite.Within(t, rotationWithin+time.Minute)
	ca := newCA(t, "next-serving")
	pair, err := ca.Server(stack.Name+"."+stack.Namespace+".svc", stack.Name+"."+stack.Namespace+".svc.cluster.local")
	suite.Try(t, err)
	dir := strings.TrimSuffix(shared.Adapter.CA, "ca.crt")
	bundle, err := os.ReadFile(shared.Adapter.CA)
	suite.Try(t, err)
	both := dir + "both.crt"
	suite.Try(t, os.WriteFile(both, append(ca.Cert, bundle...), 0o600))
	trustBoth(ctx, t, append(ca.Cert, bundle...)) // before the certificate, as a rotation has to
	old := map[string][]byte{}
	for name, content := range map[string][]byte{"tls.crt": pair.Cert, "tls.key": pair.Key} {
		old[name], err = os.ReadFile(dir + name)
		suite.Try(t, err)
		suite.Try(t, errors.Join(os.WriteFile(dir+name+".new", content, 0o600), os.Rename(dir+name+".new", dir+name)))
	}
	t.Cleanup(func() {
		for name, content := range old {
			suite.Try(t, errors.Join(os.WriteFile(dir+name+".new", content, 0o600), os.Rename(dir+name+".new", dir+name)))
		}
		ctx, cancel := context.WithTimeout(context.Background(), rotationWithin)
		defer cancel()
		awaitIssuer(ctx, t, both, stack.Name)
	})
	began := time.Now()
	awaitIssuer(ctx, t, both, "next-serving")
	t.Logf("served after %s", time.Since(began).Round(time.Millisecond))
	suite.Try(t, available(ctx))
	if code, body := raw(ctx, shared.ControlPlane.Client.CoreV1().RESTClient(), "/apis/custom.metrics.k8s.io/v1beta2"); code != http.StatusOK {
		t.Errorf("by the API server: %d %s", code, body)
	}
}

// trustBoth has the APIServices trust the bundle.
func trustBoth(ctx context.Context, t *testing.T, bundle []byte) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"caBundle": bundle}})
	suite.Try(t, err)
	for _, name := range []string{"v1beta1.custom.metrics.k8s.io", "v1beta2.custom.metrics.k8s.io"} {
		kubectl(ctx, t, "patch", "apiservice", name, "--type=merge", "-p", string(patch))
	}
}

// awaitIssuer waits until the adapter serves a certificate by the CA of that name.
func awaitIssuer(ctx context.Context, t *testing.T, roots, issuer string) {
	t.Helper()
	suite.Try(t, await.Until(ctx, "a certificate by "+issuer, func(ctx context.Context) error {
		client := stranger{}.client(t, roots)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, shared.Adapter.URL+"/livez", http.NoBody)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		if got := response.TLS.PeerCertificates[0].Issuer.CommonName; got != issuer {
			err = fmt.Errorf("the certificate is by %s", got)
		}
		return errors.Join(err, response.Body.Close())
	}))
}
