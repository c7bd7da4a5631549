package metricsapi

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
)

// TestFlagsInDocsExist looks up every flag that the documentation, the rules and the dashboards name among those of the programs.
func TestFlagsInDocsExist(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.AddFlags(flags)
	for _, g := range New().FlagGroups() {
		flags.AddFlagSet(g.Flags)
	}
	const root = "../../.."
	others := []string{ // of kubectl, Helm, gh, Kafka's tools, kafka_exporter, the demo, git, commands of ours
		"file-only", "output", "create-namespace", "for", "owner", "reset-then-reuse-values", "reuse-values", "set", "set-string", "take-ownership",
		"raw", "describe", "members", "verbose", "group", "topic", "add", "allow-principal", "operation", "as", "help",
		"kafka.server", "group.filter", "group.exclude", "topic.filter", "topic.exclude", "sasl", "tls",
	}
	named := 0
	for _, pattern := range []string{"README.md", "docs/*.md", "manifests/prometheus/rules.yaml", "manifests/grafana/*.json"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range regexp.MustCompile(`(?m)(?:^|[\s\x60"(])--([a-z][a-z0-9.-]*[a-z0-9])(\.\*)?`).FindAllStringSubmatch(string(text), -1) {
				named++
				known := flags.Lookup(found[1]) != nil || slices.Contains(others, found[1])
				if found[2] != "" { // --kafka.tls.*: a family
					flags.VisitAll(func(f *pflag.Flag) { known = known || strings.HasPrefix(f.Name, found[1]+".") })
				}
				if !known {
					t.Errorf("%s speaks of --%s, which neither program has", file, found[1])
				}
			}
		}
	}
	if named < 60 {
		t.Errorf("only %d flags were found", named)
	}
}
