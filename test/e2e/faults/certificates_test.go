package faults

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/controlplane"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/page"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/watch"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// rotationWithin is how soon what was rotated has to count.
const rotationWithin = 2 * time.Minute

// rotations is row 16: what the replicas serve by, and what the API server shows itself by to them, are replaced as operators do it, so that
// each side trusts what is to come before it comes.
type rotations struct {
	took   []page.Rotation
	before []life
}

// life is what must not have changed in a replica.
type life struct {
	pid    int
	errors float64 // what could not be read so far
}

func rotated() row {
	r := &rotations{}
	return row{number: 16, name: "certificates-are-rotated", short: 5 * time.Second, long: time.Minute, fault: r.fault, further: r.further}
}

func (r *rotations) fault(ctx context.Context, w *world, lasts time.Duration) (err error) {
	if r.before, err = lives(ctx, w); err != nil {
		return err
	}
	for _, step := range []func(context.Context, *world) error{r.serving, r.frontProxy} {
		if err := errors.Join(step(ctx, w), elapse(ctx, lasts)); err != nil {
			return err
		}
	}
	return nil
}

func lives(ctx context.Context, w *world) (all []life, err error) {
	for _, a := range w.replicas.All {
		body, err := fetch(ctx, a.WebURL+"/metrics")
		if err != nil {
			return nil, err
		}
		now, err := series.Parse(string(body))
		if err != nil {
			return nil, err
		}
		l := life{pid: a.Process().PID()}
		for name, value := range now {
			if strings.HasPrefix(name, "kafka_lag_collector_read_errors_total") {
				l.errors += value
			}
		}
		all = append(all, l)
	}
	return all, nil
}

// measure does something, and waits until it counts.
func (r *rotations) measure(ctx context.Context, what string, do func() error, counts func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, rotationWithin, fmt.Errorf("not within %s", rotationWithin))
	defer cancel()
	began := time.Now()
	if err := errors.Join(do(), await.Until(ctx, what, counts)); err != nil {
		return err
	}
	r.took = append(r.took, page.Rotation{What: what, After: time.Since(began)})
	return nil
}

// serving replaces the serving certificate, of which both replicas have the file, and its CA.
func (r *rotations) serving(ctx context.Context, w *world) error {
	ca, err := pki.NewCA("next-" + stack.Name)
	if err != nil {
		return err
	}
	pair, err := ca.Server(stack.ServerName, stack.ServerName+".cluster.local")
	if err != nil {
		return err
	}
	trusted := w.replicas.All[0].CA
	old, err := os.ReadFile(trusted)
	if err != nil {
		return err
	}
	trust := func(bundle []byte) error {
		return errors.Join(replace(trusted, bundle), w.trust(ctx, bundle))
	}
	if err := trust(append(append([]byte(nil), ca.Cert...), old...)); err != nil {
		return err
	}
	dir := filepath.Dir(trusted)
	err = r.measure(ctx, "serving certificate of the metrics API", func() error {
		return errors.Join(replace(filepath.Join(dir, "tls.crt"), pair.Cert), replace(filepath.Join(dir, "tls.key"), pair.Key))
	}, func(ctx context.Context) error { return w.serve(ctx, ca) })
	if err != nil {
		return err
	}
	return trust(ca.Cert)
}

// replace writes a file as a whole or not at all.
func replace(path string, content []byte) error {
	return errors.Join(os.WriteFile(path+".new", content, 0o600), os.Rename(path+".new", path))
}

// trust has the APIServices trust a bundle.
func (w *world) trust(ctx context.Context, bundle []byte) error {
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"caBundle": bundle}})
	if err != nil {
		return err
	}
	for _, name := range watch.APIServices() {
		_, bad := w.ControlPlane.Kubectl(ctx, "patch", "apiservice", name, "--type=merge", "-p", string(patch))
		err = errors.Join(err, bad)
	}
	return err
}

// serve wants all replicas to serve a certificate of a CA.
func (w *world) serve(ctx context.Context, ca *pki.CA) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.Cert)
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: stack.ServerName, MinVersion: tls.VersionTLS12}}
	for i, a := range w.replicas.All {
		connection, err := dialer.DialContext(ctx, "tcp", strings.TrimPrefix(a.URL, "https://"))
		if err != nil {
			return fmt.Errorf("%s: %w", replica(i), err)
		}
		if err := connection.Close(); err != nil {
			return err
		}
	}
	return nil
}

// frontProxy replaces the certificate by which the replicas know the API server, and its CA. In the end that of before counts no more.
func (r *rotations) frontProxy(ctx context.Context, w *world) error {
	next, err := pki.NewCA("next-front-proxy")
	if err != nil {
		return err
	}
	old := w.ControlPlane.FrontProxyCA
	var pairs [2]pki.Pair // of both
	for i, ca := range []*pki.CA{old, next} {
		if pairs[i], err = ca.Client(controlplane.FrontProxy); err != nil {
			return err
		}
	}
	before, after := caller{cert: &pairs[0], headers: forged()}, caller{cert: &pairs[1], headers: forged()}
	if err := errors.Join(before.allAnswer(ctx, w, 200), after.allAnswer(ctx, w, 401, 403)); err != nil {
		return err
	}
	caFile, certFile, keyFile := w.ControlPlane.FrontProxyFiles()
	err = r.measure(ctx, "CA of the front proxy, added", func() error {
		return replace(caFile, append(append([]byte(nil), old.Cert...), next.Cert...))
	}, func(ctx context.Context) error {
		return errors.Join(before.allAnswer(ctx, w, 200), after.allAnswer(ctx, w, 200))
	})
	if err != nil {
		return err
	}
	loads, err := w.proxyCertificates()
	if err != nil {
		return err
	}
	err = r.measure(ctx, "certificate of the API server as front proxy", func() error {
		return errors.Join(replace(certFile, pairs[1].Cert), replace(keyFile, pairs[1].Key))
	}, func(ctx context.Context) error {
		if now, err := w.proxyCertificates(); err != nil || now == loads {
			return fmt.Errorf("the API server uses that of before (%w)", err)
		}
		return watch.Available(ctx, w.ControlPlane.Client)
	})
	if err != nil {
		return err
	}
	w.ControlPlane.FrontProxyCA = next
	return r.measure(ctx, "CA of the front proxy, that of before taken away", func() error { return replace(caFile, next.Cert) },
		func(ctx context.Context) error {
			// The API server adds to what it tells, and never takes anything away.
			return errors.Join(w.tellFrontProxyCA(ctx, next.Cert), before.allAnswer(ctx, w, 401, 403), after.allAnswer(ctx, w, 200))
		})
}

// proxyCertificates counts how often the API server has loaded its certificate as front proxy.
func (w *world) proxyCertificates() (n int, err error) {
	text, err := os.ReadFile(w.ControlPlane.Process(controlplane.APIServer).Log())
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "Loaded a new cert/key pair") && strings.Contains(line, "aggregator-proxy-cert") {
			n++
		}
	}
	if err == nil && n == 0 {
		err = errors.New("the API server's log does not tell when a certificate is in use")
	}
	return n, err
}

// tellFrontProxyCA writes what the cluster tells of the front proxy's CA.
func (w *world) tellFrontProxyCA(ctx context.Context, ca []byte) error {
	const name, key = "extension-apiserver-authentication", "requestheader-client-ca-file"
	maps := w.ControlPlane.Client.CoreV1().ConfigMaps("kube-system")
	config, err := maps.Get(ctx, name, metav1.GetOptions{})
	if err != nil || config.Data[key] == string(ca) {
		return err
	}
	config.Data[key] = string(ca)
	_, err = maps.Update(ctx, config, metav1.UpdateOptions{})
	return err
}

// further wants the same processes, which have read Kafka all the time.
func (r *rotations) further(t *testing.T, w *world, _ watched, _ check.Report) {
	t.Helper()
	after, err := lives(t.Context(), w)
	suite.Try(t, err)
	var lost float64
	for i, now := range after {
		if now.pid != r.before[i].pid {
			t.Errorf("%s was restarted", replica(i))
		}
		lost += now.errors - r.before[i].errors
	}
	if lost > 0 {
		t.Errorf("%v reads failed", lost)
	}
	for _, took := range r.took {
		t.Logf("%s: %s", took.What, took.After.Round(time.Millisecond))
	}
	suite.Try(t, page.Rotations(w.where.Root, r.took))
}
