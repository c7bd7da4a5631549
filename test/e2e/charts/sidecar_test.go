package charts

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestSidecars: the component, an application's chart and the chart's own Deployment have the same container.
func TestSidecars(t *testing.T) {
	component := kustomize(t, filepath.Join("testdata", "sidecar"))
	alone, err := template(t, "chart-exporter", brokers, "kafka.secret=lag-exporter")
	suite.Try(t, err)
	want := sidecar(t, alone, "Deployment kafka-lag-adapter/lag-adapter-lag-exporter")
	if want == nil {
		t.Fatal("the chart's Deployment has no container lag-exporter")
	}
	for name, got := range map[string]map[string]any{
		"a Deployment":           sidecar(t, component, "Deployment default/with-sidecar"),
		"a StatefulSet":          sidecar(t, component, "StatefulSet default/with-sidecar"),
		"an application's chart": sidecar(t, parse(t, application(t)), "Deployment /consumer"),
	} {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s has\n%s\nand the chart's own Deployment\n%s", name, toJSON(t, got), toJSON(t, want))
		}
	}
	if got := sidecar(t, component, "Deployment default/without"); got != nil {
		t.Errorf("a Deployment without the annotation has %s", toJSON(t, got))
	}
	for _, volume := range []string{`"configMap":{"name":"lag-exporter"}`, `"secretName":"lag-exporter"`} {
		if text := component.text(t, "StatefulSet default/with-sidecar: spec.template.spec.volumes"); !strings.Contains(text, volume) {
			t.Errorf("the StatefulSet's volumes lack %s: %s", volume, text)
		}
	}
}

// TestApplicationsChart: the dependency adds a ConfigMap and no more.
func TestApplicationsChart(t *testing.T) {
	rendered := parse(t, application(t))
	if len(rendered) != 2 {
		t.Errorf("%d objects: %s", len(rendered), toJSON(t, rendered))
	}
	const want = "group-include: orders"
	if text := rendered.text(t, "ConfigMap default/lag-adapter-lag-exporter: data"); !strings.Contains(text, want) {
		t.Errorf("%s lacks %s", text, want)
	}
	for _, volume := range []string{`"configMap":{"name":"lag-adapter-lag-exporter"}`, `"secretName":"consumer"`} {
		if text := rendered.text(t, "Deployment /consumer: spec.template.spec.volumes"); !strings.Contains(text, volume) {
			t.Errorf("%s lacks %s", text, volume)
		}
	}
}

// application renders a chart that has ours as a dependency.
func application(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{"manifests/chart-exporter", "test/e2e/charts/testdata/consumer"} { // as far apart as they are
		suite.Try(t, os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join(where(t).Root, folder))))
	}
	chart := filepath.Join(dir, "test", "e2e", "charts", "testdata", "consumer")
	_, err := runHelm(t, "dependency", "build", chart)
	suite.Try(t, err)
	text, err := runHelm(t, "template", "lag-adapter", chart)
	suite.Try(t, err)
	return text
}

// sidecar is the container of lag-exporter, nil if there is none.
func sidecar(t *testing.T, rendered objects, key string) map[string]any {
	t.Helper()
	if rendered[key] == nil {
		t.Fatalf("no %s", key)
	}
	containers, _, err := unstructured.NestedSlice(rendered[key].Object, "spec", "template", "spec", "containers")
	suite.Try(t, err)
	for _, c := range containers {
		if container, ok := c.(map[string]any); ok && container["name"] == "lag-exporter" {
			return container
		}
	}
	return nil
}
