package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMetricsExist looks up every series that the documentation, the rules and the dashboards name in docs/metrics.md.
func TestMetricsExist(t *testing.T) {
	all := pages(t)
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(all[filepath.Join(root, "docs/metrics.md")], -1) {
		listed[row[1]] = true
	}
	// The metrics API's own, and series of others that the documentation speaks of.
	others := []string{
		"kafka_consumergroup_lag_max", "kafka_consumergroup_partitions", "kafka_exporter_build_info",
		"kafka_cluster_partition_atminisr", "kafka_cluster_partition_underminisr",
	}
	for path, text := range withManifests(t, all) {
		if strings.Contains(path, "docs/adr") || strings.HasSuffix(path, "CHANGELOG.md") || strings.HasSuffix(path, "_test.yaml") {
			continue // of their time; of series as rules see them
		}
		for _, name := range regexp.MustCompile(`\bkafka_\w*[a-z]`).FindAllString(text, -1) {
			base := name
			for _, suffix := range []string{"_bucket", "_count"} {
				base = strings.TrimSuffix(base, suffix)
			}
			if name != "kafka_exporter" && !listed[base] && !slices.Contains(others, name) {
				t.Errorf("%s speaks of %s, which docs/metrics.md has not", path, name)
			}
		}
	}
}

// withManifests adds the rules and the dashboards to the pages.
func withManifests(t *testing.T, all map[string]string) map[string]string {
	t.Helper()
	for _, pattern := range []string{"manifests/prometheus/*.yaml", "manifests/grafana/*.json"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) < 2 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all[file] = string(text)
		}
	}
	return all
}
