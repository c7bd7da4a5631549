package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRunbooks wants a heading for the runbook of every alert, and no heading for an alert that is not there.
func TestRunbooks(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join(root, "manifests/prometheus/rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	all := pages(t)
	alerts := regexp.MustCompile(`(?m)^ *- alert: (\w+)$`).FindAllStringSubmatch(string(rules), -1)
	urls := regexp.MustCompile(`(?m)^ *runbook_url: https://github.com/kafka-lag-adapter/kafka-lag-adapter/blob/main/(\S+?)#(\S+)$`).FindAllStringSubmatch(string(rules), -1)
	if len(alerts) < 10 || len(urls) != len(alerts) {
		t.Fatalf("%d alerts have %d runbooks", len(alerts), len(urls))
	}
	known := map[string]bool{}
	for i, url := range urls {
		known[alerts[i][1]] = true
		if url[2] != strings.ToLower(alerts[i][1]) || !anchors(all[filepath.Join(root, url[1])])[url[2]] {
			t.Errorf("the runbook of %s is at %s#%s, where there is none", alerts[i][1], url[1], url[2])
		}
	}
	for _, heading := range regexp.MustCompile(`(?m)^### (Kafka\w+)$`).FindAllStringSubmatch(all[filepath.Join(root, "docs/operations.md")], -1) {
		if !known[heading[1]] {
			t.Errorf("docs/operations.md explains %s, which is no alert", heading[1])
		}
	}
}

// TestBothOutcomes wants unit tests of every alert in which it fires and in which it does not. promtool runs them in the end-to-end tests.
func TestBothOutcomes(t *testing.T) {
	var texts [2]string
	for i, name := range []string{"rules.yaml", "rules_test.yaml"} {
		text, err := os.ReadFile(filepath.Join(root, "manifests/prometheus", name))
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	for _, alert := range regexp.MustCompile(`(?m)^ *- alert: (\w+)$`).FindAllStringSubmatch(texts[0], -1) {
		fires := regexp.MustCompile(`alertname: ` + alert[1] + `\n *eval_time: \w+\n *exp_alerts:\n *- exp_labels`)
		silent := regexp.MustCompile(`alertname: ` + alert[1] + `, eval_time: \w+, exp_alerts: \[\]`)
		if !fires.MatchString(texts[1]) || !silent.MatchString(texts[1]) {
			t.Errorf("%s is not tested both to fire and not to", alert[1])
		}
	}
}
