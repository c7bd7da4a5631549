package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestDocumentedObjects sends the objects of the documentation to the API server, which validates them and keeps none.
func TestDocumentedObjects(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	pages, err := filepath.Glob("../../docs/*.md")
	suite.Try(t, err)
	sent := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		suite.Try(t, err)
		for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(block[1], "apiVersion: autoscaling/") {
				continue // a part of one, a configuration file, or a kind that this API server does not know
			}
			sent++
			if err := dryRun(ctx, t, block[1]); err != nil {
				t.Errorf("%s: %v\n%s", page, err, block[1])
			}
		}
	}
	if sent < 10 {
		t.Errorf("only %d objects were found", sent)
	}
}

// TestMonitoringManifests has kubectl build the dashboards and rules. Of the Prometheus Operator's kinds this API server knows none.
func TestMonitoringManifests(t *testing.T) {
	ctx := suite.Within(t, time.Minute)
	kubectl(ctx, t, "apply", "--dry-run=server", "--validate=strict", "-k", "../../manifests/grafana")
	if out := kubectl(ctx, t, "kustomize", "../../manifests/prometheus"); !strings.Contains(out, "kind: PrometheusRule") {
		t.Errorf("the rules are built as %s", out)
	}
}

func dryRun(ctx context.Context, t *testing.T, object string) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "object.yaml")
	suite.Try(t, os.WriteFile(file, []byte(object), 0o600))
	_, err := shared.ControlPlane.Kubectl(ctx, "apply", "--dry-run=server", "--validate=strict", "-f", file)
	return err
}
