package charts

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestSameObjects: the chart and the kustomizations render the same, but for what only one of the two tools has.
func TestSameObjects(t *testing.T) {
	manifests := filepath.Join(t.TempDir(), "manifests")
	suite.Try(t, os.CopyFS(manifests, os.DirFS(where(t).Manifests())))
	ownCA := filepath.Join(manifests, "overlays", "own-ca")
	ca, err := pki.NewCA("test")
	suite.Try(t, err)
	for _, name := range []string{"ca.crt", "tls.crt", "tls.key"} {
		suite.Try(t, os.WriteFile(filepath.Join(ownCA, name), ca.Cert, 0o600))
	}
	external := filepath.Join(manifests, "overlays", "external")
	suite.Try(t, os.Mkdir(external, 0o755))
	suite.Try(t, os.WriteFile(filepath.Join(external, "kustomization.yaml"), []byte(
		"resources: [../own-ca]\ncomponents: [../../components/external-metrics]\n"), 0o600))

	const brokers = "brokers=kafka-bootstrap.kafka.svc:9092"
	for name, c := range map[string]struct {
		folder string
		sets   []string
	}{
		"base":             {filepath.Join(manifests, "base"), []string{brokers, "certificates.source=existing", "certificates.existing.secret=lag-adapter-tls", "certificates.existing.caBundle=CA"}},
		"own CA":           {ownCA, []string{brokers}},
		"external metrics": {external, []string{brokers, "externalMetrics.enabled=true"}},
	} {
		t.Run(name, func(t *testing.T) {
			ours := normalize(t, kustomize(t, c.folder))
			rendered, err := template(t, "chart", c.sets...)
			suite.Try(t, err)
			chart := normalize(t, rendered)
			for _, key := range slices.Sorted(maps.Keys(ours)) {
				if chart[key] != ours[key] {
					t.Errorf("%s: kustomize renders\n%s\nand the chart\n%s", key, ours[key], chart[key])
				}
				delete(chart, key)
			}
			for key := range chart {
				t.Errorf("%s is the chart's only", key)
			}
		})
	}
}

// normalize returns the objects as text, without what differs for good reasons.
func normalize(t *testing.T, rendered objects) map[string]string {
	t.Helper()
	// helm makes the namespace by --create-namespace. The CA's key stays outside the cluster where the owner keeps the CA.
	delete(rendered, "Namespace /kafka-lag-adapter")
	delete(rendered, "Secret kafka-lag-adapter/lag-adapter-tls-ca")
	texts := map[string]string{}
	for key, object := range rendered {
		prune(object.Object)
		if object.GetKind() == "Secret" {
			data := object.Object["data"].(map[string]any)
			for name := range data {
				data[name] = "(a certificate)"
			}
		}
		if object.GetKind() == "ConfigMap" { // comments and order aside
			data := object.Object["data"].(map[string]any)
			var config any
			suite.Try(t, yaml.Unmarshal([]byte(data["config.yaml"].(string)), &config))
			data["config.yaml"] = config
		}
		text, err := json.MarshalIndent(object.Object, "", " ")
		suite.Try(t, err)
		texts[key] = string(text)
	}
	return texts
}

// prune drops the labels and annotations of one tool, and CAs.
func prune(node any) {
	switch n := node.(type) {
	case map[string]any:
		for key, value := range n {
			switch {
			case strings.HasPrefix(key, "helm.sh/"), key == "caBundle", key == "kafka-lag-adapter/renew",
				key == "app.kubernetes.io/instance", key == "app.kubernetes.io/managed-by", key == "app.kubernetes.io/version":
				delete(n, key)
				continue
			}
			prune(value)
			if m, ok := value.(map[string]any); ok && len(m) == 0 && key == "annotations" {
				delete(n, key)
			}
		}
	case []any:
		for _, value := range n {
			prune(value)
		}
	}
}
