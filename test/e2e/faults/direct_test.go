package faults

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
)

// caller asks an adapter's secure port directly, past kube-apiserver.
type caller struct {
	cert    *pki.Pair // if any
	headers http.Header
}

// forged are what only kube-apiserver may say of who asks.
func forged() http.Header {
	return http.Header{"X-Remote-User": {"admin"}, "X-Remote-Group": {"system:masters"}}
}

// client makes a client, to be closed by CloseIdleConnections.
func (c caller) client(a *stack.Adapter) (*http.Client, error) {
	ca, err := os.ReadFile(a.CA)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: stack.ServerName, MinVersion: tls.VersionTLS12}
	config.RootCAs.AppendCertsFromPEM(ca)
	if c.cert != nil {
		pair, err := tls.X509KeyPair(c.cert.Cert, c.cert.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}}, nil
}

// ask asks by a connection of its own.
func (c caller) ask(ctx context.Context, a *stack.Adapter, path string) (code int, body string, err error) {
	client, err := c.client(a)
	if err != nil {
		return 0, "", err
	}
	defer client.CloseIdleConnections()
	return c.askBy(ctx, client, a, path)
}

func (c caller) askBy(ctx context.Context, client *http.Client, a *stack.Adapter, path string) (code int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+path, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	request.Header = c.headers.Clone()
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// allAnswer wants every replica to answer a caller so, for a path that needs rights.
func (c caller) allAnswer(ctx context.Context, w *world, wanted ...int) error {
	for i, a := range w.replicas.All {
		code, body, err := c.ask(ctx, a, "/metrics")
		if err != nil {
			return fmt.Errorf("%s: %w", replica(i), err)
		}
		if !slices.Contains(wanted, code) {
			return fmt.Errorf("%s answers %d %.200s", replica(i), code, body)
		}
	}
	return nil
}
