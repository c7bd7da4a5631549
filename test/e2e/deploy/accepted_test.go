package deploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestAccepted: kube-apiserver takes all that the charts and the kustomizations render for valid, knows each field of it, and its namespaces
// enforce the restricted Pod Security Standard, for which it would warn of a pod.
func TestAccepted(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	manifests := shared.Layout.Manifests()
	kubectl(ctx, t, "apply", "-f", filepath.Join(manifests, "base", "namespace.yaml"))
	kubectl(ctx, t, "label", "namespace", "default", "pod-security.kubernetes.io/warn=restricted")
	for _, kind := range shared.crds(t) { // which stay, for the deletion of one so young may take minutes
		kubectl(ctx, t, "apply", "--server-side", "-f", kind)
	}
	kubectl(ctx, t, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
	t.Cleanup(func() {
		ctx := context.WithoutCancel(ctx)
		kubectl(ctx, t, "delete", "namespace", namespace)
		kubectl(ctx, t, "label", "namespace", "default", "pod-security.kubernetes.io/warn-")
	})

	secured := []string{
		"--set=kafka.secret=lag", "--set=kafka.caSecret=ca", "--set=networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name=monitoring",
		"--set=networkPolicy.egress[0].ports[0].port=9092", "--set=priorityClassName=system-cluster-critical",
	}
	for name, render := range map[string]func() (string, error){
		"chart":                       func() (string, error) { return shared.render(ctx, "chart", "--set=externalMetrics.enabled=true") },
		"chart for a secured cluster": func() (string, error) { return shared.render(ctx, "chart", secured...) },
		"chart with cert-manager and ServiceMonitor": func() (string, error) {
			return shared.render(ctx, "chart", "--set=certificates.source=cert-manager", "--set=monitoring.serviceMonitor.enabled=true",
				"--set=monitoring.prometheusRule.enabled=true")
		},
		"chart with PodMonitor": func() (string, error) { return shared.render(ctx, "chart", "--set=monitoring.podMonitor.enabled=true") },
		"chart-exporter": func() (string, error) {
			return shared.render(ctx, "chart-exporter", append(secured, "--set=monitoring.podMonitor.enabled=true")...)
		},
		"base": func() (string, error) {
			return shared.ControlPlane.Kubectl(ctx, "kustomize", filepath.Join(manifests, "base"))
		},
		"own CA": func() (string, error) { return ownCA(ctx, t) },
		"component sidecar": func() (string, error) {
			return shared.ControlPlane.Kubectl(ctx, "kustomize", filepath.Join(shared.Layout.Root, "test", "e2e", "charts", "testdata", "sidecar"))
		},
		"examples": func() (string, error) { return examples(manifests) },
	} {
		t.Run(name, func(t *testing.T) {
			text, err := render()
			suite.Try(t, err)
			file := filepath.Join(t.TempDir(), "rendered.yaml")
			suite.Try(t, os.WriteFile(file, []byte(text), 0o600))
			if _, err := shared.ControlPlane.Kubectl(ctx, "apply", "--server-side", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "-f", file); err != nil {
				t.Error(err)
			}
		})
	}
}

// render renders a chart as an installation would.
func (c *Cluster) render(ctx context.Context, chart string, sets ...string) (string, error) {
	return c.Helm.Run(ctx, append([]string{
		"template", release, filepath.Join(c.Layout.Manifests(), chart), "--namespace=" + namespace, "--set=brokers=kafka:9092",
	}, sets...)...)
}

// crds are the files of the kinds that others bring: cert-manager's and the Prometheus Operator's.
func (c *Cluster) crds(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.Layout.Root, ".cache", "crds", "*.yaml"))
	suite.Try(t, err)
	if len(files) == 0 {
		t.Fatal("no .cache/crds: run `make e2e`, which fetches them")
	}
	return files
}

// ownCA renders the overlay with certificates.
func ownCA(ctx context.Context, t *testing.T) (string, error) {
	t.Helper()
	manifests := filepath.Join(t.TempDir(), "manifests")
	suite.Try(t, os.CopyFS(manifests, os.DirFS(shared.Layout.Manifests())))
	dir := filepath.Join(manifests, "overlays", "own-ca")
	ca, err := pki.NewCA(release)
	suite.Try(t, err)
	for name, content := range map[string][]byte{"ca.crt": ca.Cert, "tls.crt": ca.Cert, "tls.key": ca.Key} {
		suite.Try(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	return shared.ControlPlane.Kubectl(ctx, "kustomize", dir)
}

// examples are those that are manifests.
func examples(manifests string) (string, error) {
	files, err := filepath.Glob(filepath.Join(manifests, "examples", "*.yaml"))
	text := ""
	for _, file := range files {
		if filepath.Base(file) == "config.yaml" {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		text += fmt.Sprintf("---\n%s", content)
	}
	return text, err
}
