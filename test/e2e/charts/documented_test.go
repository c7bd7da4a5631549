package charts

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestDocumentedValues renders the values under "With Helm" in docs/connect/*.md. They have to be the very settings of the same page, in the
// same order, and every file of them has to be in a volume.
func TestDocumentedValues(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(where(t).Root, "docs", "connect", "*.md"))
	suite.Try(t, err)
	if len(pages) < 7 {
		t.Fatalf("only %d pages were found", len(pages))
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		suite.Try(t, err)
		settings, values := blocks(string(text), "Settings"), blocks(string(text), "With Helm")
		if len(values) == 0 || len(values) > len(settings) {
			t.Errorf("%s has %d blocks of settings and %d of values", page, len(settings), len(values))
		}
		for i, block := range values[:min(len(values), len(settings))] {
			t.Run(strings.TrimSuffix(filepath.Base(page), ".md"), func(t *testing.T) { rendersAs(t, block, settings[i]) })
		}
	}
}

// blocks are those of YAML in a section of a page.
func blocks(page, heading string) (all []string) {
	_, section, _ := strings.Cut(page, "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, part := range strings.Split(section, "\n```yaml\n")[1:] {
		block, _, _ := strings.Cut(part, "\n```")
		all = append(all, block)
	}
	return all
}

func rendersAs(t *testing.T, values, settings string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	suite.Try(t, os.WriteFile(file, []byte(values), 0o600))
	text, err := runHelm(t, "template", "lag-adapter", filepath.Join(where(t).Manifests(), "chart"), "--namespace=kafka-lag-adapter", "--values="+file)
	suite.Try(t, err)
	rendered := parse(t, text)
	rendered.checkConfig(t)

	config, _ := rendered.field(t, "ConfigMap kafka-lag-adapter/lag-adapter", "data", "config.yaml").(string)
	got, want := leaves(t, config), leaves(t, settings)
	delete(got, "log-format") // of the chart's own values
	pod := rendered.text(t, deployment+": spec.template.spec")
	for name, value := range want {
		switch of, found := got[name]; {
		case !found:
			t.Errorf("the values do not set %s", name)
		case strings.HasSuffix(name, "-file"):
			if !strings.Contains(pod, `"mountPath":"`+filepath.Dir(of)+`"`) {
				t.Errorf("%s is %s, where no volume is:\n%s", name, of, pod)
			}
		case of != value:
			t.Errorf("the values set %s to %s, the settings to %s", name, of, value)
		}
	}
	for name := range got {
		if _, found := want[name]; !found {
			t.Errorf("the values set %s, the settings do not", name)
		}
	}
}

// leaves are the settings of a configuration file as JSON, by their names with dots.
func leaves(t *testing.T, text string) map[string]string {
	t.Helper()
	var root map[string]any
	suite.Try(t, yaml.Unmarshal([]byte(text), &root))
	all := make(map[string]string)
	var walk func(path []string, node any)
	walk = func(path []string, node any) {
		fields, inner := node.(map[string]any)
		for name, field := range fields {
			walk(append(slices.Clone(path), name), field)
		}
		switch value, isText := node.(string); {
		case inner:
		case isText:
			all[strings.Join(path, ".")] = value
		default:
			all[strings.Join(path, ".")] = toJSON(t, node)
		}
	}
	walk(nil, root)
	return all
}
