package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// parseNamespaces parses as a program does that has the setting.
func parseNamespaces(args ...string) (map[string]Grant, error) {
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	set.SetOutput(&strings.Builder{})
	flags := AddFlags(set)
	var granted map[string]Grant
	AddNamespaces(set, &granted)
	_, err := flags.Parse(set, append(args, "--brokers=a"))
	return granted, err
}

func TestNamespaces(t *testing.T) {
	path := file(t, `
brokers: [a]
namespaces:
  team-a:
    groups: [orders, "with, comma", "1e3"]
    group-prefixes: team-a.
  team-b:
    group-patterns:
      - pay-(eu|us)
      - b|c
`)
	granted, err := parseNamespaces("--config", path)
	if err != nil {
		t.Fatal(err)
	}
	a, b := granted["team-a"], granted["team-b"]
	if len(granted) != 2 || !slices.Equal(a.Names, []string{"orders", "with, comma", "1e3"}) || !slices.Equal(a.Prefixes, []string{"team-a."}) || a.Patterns != nil {
		t.Errorf("%+v", granted)
	}
	if len(b.Patterns) != 2 || !b.Patterns[0].MatchString("pay-eu") || b.Patterns[0].MatchString("repay-eu") || b.Patterns[1].MatchString("bc") {
		t.Errorf("%v", b.Patterns)
	}
}

func TestNamespacesAsAFlagComeFirst(t *testing.T) {
	path := file(t, "namespaces: {team-a: {groups: [x]}}\n")
	granted, err := parseNamespaces("--config", path, "--namespaces={team-b: {groups: [y]}}")
	if err != nil || len(granted) != 1 || granted["team-b"].Names[0] != "y" {
		t.Errorf("%+v, %v", granted, err)
	}
	if granted, err = parseNamespaces(); granted != nil || err != nil {
		t.Errorf("without the setting: %+v, %v", granted, err)
	}
	if granted, err = parseNamespaces("--namespaces={}"); granted == nil || len(granted) > 0 || err != nil {
		t.Errorf("without any namespace: %+v, %v", granted, err)
	}
}

// Each mistake names the line, the namespace, the key, the value and what is allowed; all are told at once.
func TestMistakesInNamespaces(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing":              {"namespaces:\n", []string{"line 1", "mapping of namespaces"}},
		"a list":               {"namespaces: [team-a]\n", []string{"line 1", "mapping of namespaces"}},
		"a list of a team":     {"namespaces:\n  team-a: [orders]\n", []string{"line 2", "team-a", "groups, group-prefixes or group-patterns"}},
		"no grant":             {"namespaces:\n  team-a:\n", []string{"line 2", "team-a"}},
		"an empty grant":       {"namespaces:\n  team-a: {}\n", []string{"line 2", "namespaces.team-a: it is granted nothing"}},
		"an empty list":        {"namespaces:\n  team-a:\n    groups: []\n", []string{"line 3", "team-a", "groups", "none of them empty"}},
		"an empty prefix":      {"namespaces:\n  team-a:\n    group-prefixes: ['']\n", []string{"line 3", "group-prefixes", "none of them empty"}},
		"null":                 {"namespaces:\n  team-a:\n    groups: ~\n", []string{"line 3", "groups", "none of them empty"}},
		"null in a list":       {"namespaces:\n  team-a:\n    groups: [a, null]\n", []string{"line 3", "groups", "none of them empty"}},
		"no name of one":       {"namespaces:\n  Team_A:\n    groups: a\n", []string{"line 2", `"Team_A"`, "a-z, 0-9 and -"}},
		"every one":            {"namespaces:\n  '*':\n    groups: a\n", []string{"line 2", `"*"`, "a-z, 0-9 and -"}},
		"unknown key":          {"namespaces:\n  team-a:\n    group: a\n", []string{"line 3", `unknown setting "namespaces.team-a.group"`, `"namespaces.team-a.groups"?`}},
		"namespace twice":      {"namespaces:\n  a:\n    groups: x\n  a:\n    groups: y\n", []string{"line 4", `"a" was given in line 2`}},
		"key twice":            {"namespaces:\n  a:\n    groups: x\n    groups: y\n", []string{"line 4", `"groups" was given in line 3`}},
		"mapping for names":    {"namespaces:\n  a:\n    groups: {x: y}\n", []string{"line 3", "groups", "single value or a list"}},
		"bad pattern":          {"namespaces:\n  a:\n    group-patterns: ['(']\n", []string{"line 3", "group-patterns", `"("`, "RE2"}},
		"pattern closes ours":  {"namespaces:\n  a:\n    group-patterns: ['a)|(?:b']\n", []string{"line 3", "RE2"}},
		"several":              {"namespaces:\n  A:\n    group: x\n    group-patterns: ['(', ')']\npol: 1\n", []string{"line 2", "line 3", "line 4", `"("`, `")"`, "line 5"}},
		"setting twice":        {"namespaces: {a: {groups: x}}\nnamespaces: {b: {groups: x}}\n", []string{"line 2", "line 1"}},
		"a value that is deep": {"namespaces: " + strings.Repeat("{a: ", 50) + "1" + strings.Repeat("}", 50) + "\n", []string{"line 1", "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseNamespaces("--config=" + file(t, c.text))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing from:\n%v", want, err)
				}
			}
		})
	}
	for text, want := range map[string]string{"{": "not YAML", "": "no value", "{A: {groups: x}}": `line 1: namespaces.A: "A"`} {
		if _, err := parseNamespaces("--namespaces=" + text); err == nil || !strings.Contains(err.Error(), "--namespaces") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := parse("--config=" + file(t, "brokers: a\nnamespaces: {a: {groups: x}}\n")); err == nil || !strings.Contains(err.Error(), `unknown setting "namespaces"`) {
		t.Errorf("a program without the setting: %v", err)
	}
}

func FuzzNamespaces(f *testing.F) {
	f.Add("{a: {groups: [x], group-prefixes: y, group-patterns: [z]}}")
	f.Add("a: &x {groups: *x}")
	f.Add("? [a]\n: b")
	f.Fuzz(func(t *testing.T, text string) {
		granted, err := parseNamespaces("--namespaces=" + text)
		if err != nil {
			return
		}
		for namespace, grant := range granted {
			if !isLabel(namespace) || len(grant.Names)+len(grant.Prefixes)+len(grant.Patterns) == 0 || slices.Contains(grant.Prefixes, "") {
				t.Errorf("accepted %q: %+v", namespace, grant)
			}
			for _, pattern := range grant.Patterns {
				pattern.MatchString(text)
			}
		}
	})
}
