package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the golden files anew")

// allSettings are those of lag-adapter that are ours.
func allSettings() (*pflag.FlagSet, *Flags) {
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	set.SortFlags = false
	flags := AddFlags(set)
	AddNamespaces(set, new(map[string]Grant))
	return set, flags
}

// compiled is the schema as its users have it.
func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	set, _ := allSettings()
	text, err := Schema(set, "lag-adapter")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("config.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// bySchema says what a JSON Schema finds wrong with a YAML text. What does not even get to be JSON is wrong for it, too.
func bySchema(schema *jsonschema.Schema, text string) error {
	var value any
	decoder := yaml.NewDecoder(strings.NewReader(text))
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	if decoder.Decode(new(any)) == nil {
		return errors.New("more than one document")
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	return schema.Validate(document)
}

// byParser says what the programs find wrong with it, wherever it may be for.
func byParser(path string) *InvalidError {
	set, flags := allSettings()
	flags.TakeFile()
	_, err := flags.Parse(set, []string{path})
	if invalid, ok := errors.AsType[*InvalidError](err); ok {
		return invalid.Anywhere()
	}
	return nil
}

// TestInvalidFiles holds what is said of each of a table of invalid files, and that the schema refuses the same ones, but for those that
// are beyond any schema.
func TestInvalidFiles(t *testing.T) {
	const table = "testdata/invalid.txt"
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	schema, dir := compiled(t), t.TempDir()
	written := ""
	for i, one := range strings.Split(string(text), "=== ")[1:] {
		if i > 0 && strings.HasPrefix(one, "\n") {
			t.Fatal("=== without a name")
		}
		name, body, _ := strings.Cut(one, "\n")
		yaml, _, _ := strings.Cut(body, "---\n")
		path := filepath.Join(dir, "config.yaml")
		document := strings.ReplaceAll(yaml, "<next document>\n", "---\n")
		if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		said := "nothing"
		if invalid := byParser(path); invalid != nil {
			said = strings.ReplaceAll(invalid.Error(), path, "config.yaml")
		} else {
			t.Errorf("%s: accepted", name)
		}
		if refused, cannot := bySchema(schema, document) != nil, strings.HasSuffix(name, "(not in the schema)"); refused == cannot {
			t.Errorf("%s: refused by the schema: %t", name, refused)
		}
		written += fmt.Sprintf("=== %s\n%s---\n%s\n", name, yaml, said)
	}
	if *update {
		if err := os.WriteFile(table, []byte(written), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if written != string(text) {
		t.Errorf("other mistakes are told than %s has; look at the difference after -update. Now:\n%s", table, written)
	}
}

// What both take.
func TestValidFiles(t *testing.T) {
	schema := compiled(t)
	for name, text := range map[string]string{
		"empty":            "",
		"only a comment":   "# nothing\n",
		"null":             "~\n",
		"empty sections":   "kafka:\nweb: {}\nkafka.sasl:\n",
		"dots and none":    "kafka.tls.enabled: true\nkafka:\n  tls.server-name: x\n  sasl: {oauth.client-id: x, mechanism: OAUTHBEARER, oauth: {token-url: 'https://x/y', client-secret-file: /x}}\n",
		"numbers":          "max-groups: 0x10\nmax-partitions: 1e3\n",
		"lists":            "brokers: [a, 'b:1,c']\ndialect: kminion,burrow\nkafka: {sasl: {mechanism: OAUTHBEARER, oauth: {token-url: 'https://x/y', client-id: x, scopes: [a, b], extensions: {logicalCluster: lkc-1}}}}\n",
		"a list of one":    "brokers: a\ndialect: [kminion]\n",
		"a date as a text": "group-include: 2001-01-01\n",
		"durations":        "poll-interval: 1m30s\nmax-age: 1.5h\nweb.listen-address: ':0'\n",
		"clusters":         "clusters:\n- {name: eu.west-1, brokers: [a]}\n- {name: '2', brokers: a, kafka: {tls: {}, sasl: {}}, kafka.tls.enabled: true}\n",
		"rules":            "groups:\n- {match: .*, cluster: eu, isolation: read_uncommitted, offset-reset: latest, ignore-unsubscribed: false, dialects: []}\n",
		"namespaces":       "isolate: x\n",
		"grants":           "namespaces: {a-1: {groups: x, group-prefixes: [y], group-patterns: ['z|a']}}\n",
		"aliases":          "kafka: {tls: &tls {enabled: true}}\nclusters:\n- {name: a, brokers: &b [x, y], kafka: {tls: *tls}}\n- {name: b, brokers: *b, kafka: {tls: {<<: *tls, server-name: x}}}\n",
		"JSON":             `{"brokers": ["a"], "kafka": {"tls": {"enabled": false}}}`,
	} {
		refused := name == "namespaces" // so that both can be seen to refuse
		path := file(t, text)
		if invalid := byParser(path); (invalid != nil) != refused {
			t.Errorf("%s: %v", name, invalid)
		}
		if err := bySchema(schema, text); !errors.Is(err, io.EOF) && (err != nil) != refused {
			t.Errorf("%s: by the schema: %v", name, err)
		}
	}
}

// FuzzAgreement: what the parser takes, the schema takes; and what is printed of it is the same.
func FuzzAgreement(f *testing.F) {
	table, err := os.ReadFile("testdata/invalid.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, one := range strings.Split(string(table), "=== ")[1:] {
		_, body, _ := strings.Cut(one, "\n")
		text, _, _ := strings.Cut(body, "---\n")
		f.Add(text)
	}
	f.Add("group-include: 'a\n\n  b'\ntopic-exclude: \"\\t\\u00e9 # x\\n\"\nearliest-groups: |\n  a\n  b\n")
	f.Add("namespaces: {a: {groups: [\"x\\ny\", '# z', ' ']}}\ndialect: []\nclusters: [{name: a, brokers: b, kafka: {sasl: {}}, group-include: ''}]\n")
	f.Add("brokers: [a]\nkafka: {tls: {enabled: true}}\nclusters: []\n")
	schema, path := compiled(f), filepath.Join(f.TempDir(), "config.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if byParser(path) != nil {
			return
		}
		if err := bySchema(schema, text); err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("only the schema refuses %q: %v", text, err)
		}
		load := func() Config {
			set, flags := allSettings()
			cfg, _ := flags.Parse(set, []string{"--config=" + path}) // the machine may lack something
			return cfg
		}
		first := load()
		if err := os.WriteFile(path, []byte(first.Effective()), 0o600); err != nil {
			t.Fatal(err)
		}
		if invalid, again := byParser(path), load(); invalid != nil || again.Hash() != first.Hash() {
			t.Errorf("%q is printed as\n%s\nwhich is %v\n%s", text, first.Effective(), invalid, again.Effective())
		}
	})
}
