package metricsapi

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/app"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
)

//go:generate go test . -run ^TestConfigSchema$ -update

const root = "../../../"

// programs are both with all of their settings, by the file that their schema is in.
func programs() map[string]app.Program {
	return map[string]app.Program{
		"manifests/config.schema.json":              {Name: "lag-adapter", Extension: func() app.Extension { return New() }},
		"manifests/lag-exporter.config.schema.json": {Name: "lag-exporter"},
	}
}

// TestConfigSchema holds the files that are shipped to what the programs print.
func TestConfigSchema(t *testing.T) {
	for path, program := range programs() {
		var schema, stderr bytes.Buffer
		if code := program.Main(t.Context(), []string{"config", "schema"}, &schema, &stderr); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr.String())
		}
		if *update {
			if err := os.WriteFile(root+path, schema.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		shipped, err := os.ReadFile(root + path)
		if err != nil || !bytes.Equal(shipped, schema.Bytes()) {
			t.Errorf("%s is not current (%v); run make generate", path, err)
		}
	}
}

// shippedSchema reads the schema of lag-adapter as those have it who are given it.
func shippedSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(root + "manifests/config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func toJSON(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// TestDocumentedConfigurations holds every configuration in the documentation, and the examples, to the parser and to the schema.
func TestDocumentedConfigurations(t *testing.T) {
	schema, found := shippedSchema(t), 0
	for name, text := range configurations(t) {
		found++
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := schema.Validate(toJSON(t, value)); err != nil {
			t.Errorf("%s, by the schema: %v\n%s", name, err, text)
		}
		path := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		if code := programs()["manifests/config.schema.json"].Main(t.Context(), []string{"config", "check", "--file-only", path}, &stderr, &stderr); code != 0 {
			t.Errorf("%s: %s\n%s", name, stderr.String(), text)
		}
	}
	if found < 5 {
		t.Errorf("only %d configurations were found", found)
	}
}

// configurations returns the blocks of YAML in the documentation that have settings at their top, and the example.
func configurations(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	pages, err := filepath.Glob(root + "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, root+"README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range strings.Split(string(text), "```yaml\n")[1:] {
			block, _, _ = strings.Cut(block, "\n```")
			if isConfiguration(t, block) {
				found[page+" block "+string(rune('a'+i))] = block + "\n"
			}
		}
	}
	for _, path := range []string{"manifests/examples/config.yaml", "manifests/base/config.yaml"} {
		text, err := os.ReadFile(root + path)
		if err != nil {
			t.Fatal(err)
		}
		found[path] = string(text)
	}
	return found
}

// isConfiguration says whether a block of YAML has a setting among its keys. Prometheus' rules have groups as well, but of rules.
func isConfiguration(t *testing.T, block string) bool {
	t.Helper()
	var keys map[string]any
	if yaml.Unmarshal([]byte(block), &keys) != nil || strings.Contains(block, "rules:") {
		return false
	}
	set := settings(t)
	for key := range keys {
		known := set.Lookup(key) != nil
		set.VisitAll(func(f *pflag.Flag) { known = known || strings.HasPrefix(f.Name, key+".") })
		if known {
			return true
		}
	}
	return false
}

// settings are all of lag-adapter's.
func settings(t *testing.T) *pflag.FlagSet {
	t.Helper()
	set, _ := parser()
	return set
}

func parser() (*pflag.FlagSet, *config.Flags) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags := config.AddFlags(set)
	for _, group := range New().FlagGroups() {
		set.AddFlagSet(group.Flags)
	}
	return set, flags
}

// TestPrintedConfigurationIsTheSame gives each setting of lag-adapter, also those of the Kubernetes libraries, another value than its
// default, one at a time and all together, and feeds back what is printed.
func TestPrintedConfigurationIsTheSame(t *testing.T) {
	schema := shippedSchema(t)
	feed := func(args ...string) (config.Config, *pflag.FlagSet) {
		set, flags := parser()
		cfg, _ := flags.Parse(set, args) // what does not fit together does not matter here
		return cfg, set
	}
	same := func(args ...string) {
		t.Helper()
		cfg, set := feed(args...)
		path := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(path, []byte(cfg.Effective()), 0o600); err != nil {
			t.Fatal(err)
		}
		again, setAgain := feed("--config=" + path)
		if cfg.Hash() != again.Hash() {
			t.Errorf("%q is printed as\n%s\nwhich is then\n%s", args, cfg.Effective(), again.Effective())
		}
		if !reflect.DeepEqual(cfg.GroupRules, again.GroupRules) || !reflect.DeepEqual(cfg.Clusters, again.Clusters) && len(cfg.Clusters) > 1 {
			t.Errorf("%q: fed back it is\n%+v instead of\n%+v", args, again, cfg)
		}
		set.VisitAll(func(f *pflag.Flag) {
			if got := setAgain.Lookup(f.Name).Value.String(); got != f.Value.String() && f.Name != "config" && len(cfg.Clusters) == 1 {
				t.Errorf("%q: %s is %q, and fed back %q", args, f.Name, f.Value, got)
			}
		})
		var value any
		if err := yaml.Unmarshal([]byte(cfg.Effective()), &value); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(toJSON(t, value)); err != nil {
			t.Errorf("%q: the schema refuses what is printed: %v", args, err)
		}
	}
	without, _ := feed()
	all := []string{}
	settings(t).VisitAll(func(f *pflag.Flag) {
		arg := "--" + f.Name + "=" + another(f)
		if f.Name == "config" || f.Name == "version" || f.Name == "clusters" {
			return
		}
		all = append(all, arg)
		if cfg, _ := feed(arg); cfg.Hash() == without.Hash() {
			t.Errorf("%s does not change the hash", arg)
		}
		same(arg)
	})
	same(all...)
	same("--clusters=[{name: a, brokers: a, kafka: {tls: {}}}, {name: '2', brokers: [b, 'c:1'], group-include: '.*: #'}]", "--kafka.tls.enabled", "--topic-exclude=x")
}

// another returns a value that is not the default of a setting.
func another(f *pflag.Flag) string {
	examples := map[string]string{
		"groups": "[{match: a, dialects: []}, {match: \"'b'\", isolation: read_committed}]", "namespaces": "{a: {groups: ['1', b], group-patterns: 'x|y'}}",
		"dialect": "kminion,burrow", "kafka.sasl.oauth.extensions": "a=b,c=x y", "log-level": "warn", "log-format": "json", "kafka.sasl.mechanism": "PLAIN",
		"tls-sni-cert-key": "a.crt,a.key", "bind-address": "127.0.0.9", "tls-curve-preferences": "23,24", "bind": "selector",
	}
	if value, ok := examples[f.Name]; ok {
		return value
	}
	switch f.Value.Type() {
	case "bool":
		return map[string]string{"true": "false", "false": "true"}[f.DefValue]
	case "duration":
		return "7s"
	case "host:port":
		return "127.0.0.1:1"
	case "string", "regexp":
		return "some: text"
	case "strings", "stringSlice", "word,...":
		return "a,b"
	}
	return "7"
}
