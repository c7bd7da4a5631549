package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/metrics/pkg/apis/custom_metrics"
)

// autoscalerUser is who the HorizontalPodAutoscaler's controller is to an API server.
const autoscalerUser = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"

// requestTimeout bounds one request of the demo, so that it can end.
const requestTimeout = 5 * time.Second

// authorize lets the autoscaler read custom metrics and the discovery documents, and nobody do anything else.
func authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	reads := a.GetVerb() == "get" || a.GetVerb() == "list"
	if a.GetUser() == nil || a.GetUser().GetName() != autoscalerUser || !reads {
		return authorizer.DecisionDeny, "only " + autoscalerUser + " may read here", nil
	}
	if a.IsResourceRequest() {
		if a.GetAPIGroup() == custom_metrics.GroupName {
			return authorizer.DecisionAllow, "", nil
		}
	} else if path := a.GetPath(); path == "/apis" || strings.HasPrefix(path, "/apis/") || strings.HasPrefix(path, "/openapi/") {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionDeny, "only custom metrics and discovery are to be read here", nil
}

// access is the certificates of a run.
type access struct {
	caFile, serverCert, serverKey string
	autoscalerCert, autoscalerKey string // for the autoscaler and for the commands to copy
	autoscaler, stranger, foreign *tls.Certificate
	roots                         *x509.CertPool
}

// newAccess makes the certificates and writes those that others read into the directory.
func newAccess(dir string) (*access, error) {
	ca, err := newAuthority("demo")
	if err != nil {
		return nil, err
	}
	otherCA, err := newAuthority("some other authority")
	if err != nil {
		return nil, err
	}
	a := &access{roots: x509.NewCertPool()}
	a.roots.AddCert(ca.cert)
	if a.caFile, err = writePEM(dir, "ca.crt", "CERTIFICATE", ca.cert.Raw); err != nil {
		return nil, err
	}
	server, err := ca.server(net.IPv4(127, 0, 0, 1))
	if err != nil {
		return nil, err
	}
	if a.serverCert, a.serverKey, err = writePair(dir, "server", server); err != nil {
		return nil, err
	}
	for _, c := range []struct {
		issuer *authority
		user   string
		to     **tls.Certificate
	}{{ca, autoscalerUser, &a.autoscaler}, {ca, "stranger", &a.stranger}, {otherCA, autoscalerUser, &a.foreign}} {
		pair, err := c.issuer.client(c.user)
		if err != nil {
			return nil, err
		}
		*c.to = &pair
	}
	a.autoscalerCert, a.autoscalerKey, err = writePair(dir, "autoscaler", *a.autoscaler)
	return a, err
}

// client returns an HTTP client that trusts the run's authority and shows the certificate, if it is not nil. Its idle connections
// are the caller's to close.
func (a *access) client(certificate *tls.Certificate) *http.Client {
	cfg := &tls.Config{RootCAs: a.roots, MinVersion: tls.VersionTLS12}
	if certificate != nil {
		// Not Certificates, which leaves out what the server's authority did not issue.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	}
	return &http.Client{Timeout: requestTimeout, Transport: &http.Transport{TLSClientConfig: cfg, ForceAttemptHTTP2: true}}
}

// check asks for the URL as everyone who must be refused, and reports what they got. That one of them is not refused is an error.
func (a *access) check(ctx context.Context, url string) (string, error) {
	var report []string
	for _, who := range []struct {
		name        string
		certificate *tls.Certificate
		want        int
	}{
		{"another user's certificate", a.stranger, http.StatusForbidden},
		{"a certificate of another authority", a.foreign, http.StatusUnauthorized},
		{"no certificate", nil, http.StatusForbidden}, // it is system:anonymous then, as in a cluster
	} {
		got, err := status(ctx, a.client(who.certificate), url)
		if err != nil {
			return "", fmt.Errorf("ask the metrics API with %s: %w", who.name, err)
		}
		if got != who.want {
			return "", fmt.Errorf("the metrics API answers %d to %s; it must answer %d", got, who.name, who.want)
		}
		report = append(report, fmt.Sprintf("%s gets %d", who.name, got))
	}
	return strings.Join(report, ", "), nil
}

// status returns the status of a GET.
func status(ctx context.Context, client *http.Client, url string) (int, error) {
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
