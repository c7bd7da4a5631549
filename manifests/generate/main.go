// Command generate writes what manifests holds in more than one form: the Grafana dashboards, the Prometheus rules as an object
// of the Prometheus Operator, and what the Helm charts share.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
)

//go:generate go run . ..

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate MANIFESTS")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// write brings the generated files in the folder manifests up to date.
func write(manifests string) error {
	files, err := files(manifests)
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(manifests, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
			return fmt.Errorf("write a generated file: %w", err)
		}
	}
	return nil
}

// files are the generated files by their names in manifests.
func files(manifests string) (map[string][]byte, error) {
	rules, err := os.ReadFile(filepath.Join(manifests, "prometheus", "rules.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read the rules: %w", err)
	}
	lag, err := lagDashboard().encode()
	if err != nil {
		return nil, err
	}
	own, err := ownDashboard().encode()
	if err != nil {
		return nil, err
	}
	all, err := chartFiles(manifests)
	if err != nil {
		return nil, err
	}
	maps.Copy(all, map[string][]byte{
		"prometheus/prometheusrule.yaml": prometheusRule(rules),
		"chart/files/rules.yaml":         rules, // a chart reads no files but its own
		"grafana/lag.json":               lag,
		"grafana/lag-adapter.json":       own,
	})
	return all, nil
}

const ruleHead = `# Generated from rules.yaml by ` + "`make generate`" + `. For the Prometheus Operator; its Prometheus may want other labels (ruleSelector).
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: lag-adapter
  namespace: kafka-lag-adapter
  labels:
    app.kubernetes.io/name: lag-adapter
    app.kubernetes.io/part-of: kafka-lag-adapter
spec:
`

// prometheusRule wraps a rule file, whose content is just what the object has as its spec.
func prometheusRule(rules []byte) []byte {
	_, groups, _ := bytes.Cut(rules, []byte("\ngroups:\n")) // without the comment that stands before
	out := bytes.NewBufferString(ruleHead + "  groups:\n")
	for line := range bytes.Lines(groups) {
		if len(bytes.TrimSpace(line)) > 0 {
			out.WriteString("  ")
		}
		out.Write(line)
	}
	return out.Bytes()
}
