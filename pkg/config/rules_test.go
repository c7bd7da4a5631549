package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func TestGroupRules(t *testing.T) {
	cfg, err := parse("--earliest-groups=old-.*|batch-eu", "--read-committed-groups=tx", "--dialect=kminion", "--config="+file(t, `
brokers: a
groups:
  - match: batch-eu
    cluster: eu.*
    offset-reset: latest
    dialects: []
  - {match: "batch-.*", offset-reset: earliest, dialects: [burrow, kafka-lag-exporter]}
  - {match: .*-eu, isolation: read_committed, ignore-unsubscribed: true}
  - {match: tx, isolation: read_uncommitted}
  - {match: tx, isolation: read_committed}
  - {match: .*-us, ignore-unsubscribed: false, dialects: burrow}
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cluster, group string
		policy         lag.Policy
		dialects       string
	}{
		{"eu1", "batch-eu", lag.Policy{ReadCommitted: true, IgnoreUnsubscribed: true}, ""}, // the first rule comes before the flag
		{"us", "batch-eu", lag.Policy{OffsetReset: lag.ResetEarliest, ReadCommitted: true, IgnoreUnsubscribed: true}, "burrow kafka-lag-exporter"},
		{"us", "batch-us", lag.Policy{OffsetReset: lag.ResetEarliest}, "burrow kafka-lag-exporter"},
		{"us", "a-us", lag.Policy{}, "burrow"},
		{"us", "tx", lag.Policy{}, "kminion"}, // the first of two rules, not the flag
		{"us", "old-1", lag.Policy{OffsetReset: lag.ResetEarliest}, "kminion"},
		{"us", "xbatch-1", lag.Policy{}, "kminion"},
	} {
		if got := cfg.GroupPolicy(c.cluster, c.group); got != c.policy {
			t.Errorf("%s of %s: %+v, want %+v", c.group, c.cluster, got, c.policy)
		}
		if got := strings.Join(cfg.GroupDialects(c.cluster, c.group), " "); got != c.dialects {
			t.Errorf("%s of %s is shown as %q, want %q", c.group, c.cluster, got, c.dialects)
		}
	}
	if got := cfg.AllDialects(); !slices.Equal(got, []string{"burrow", "kafka-lag-exporter", "kminion"}) || !cfg.HasPolicies() {
		t.Errorf("%q", got)
	}
	if cfg, err = parse("--brokers=a", "--groups=[{match: a, dialects: burrow}]"); err != nil || cfg.HasPolicies() {
		t.Errorf("a rule about dialects alone is taken for a policy: %v", err)
	}
}

func TestMistakesInRules(t *testing.T) {
	for text, want := range map[string]string{
		"[{isolation: read_committed}]":            "groups[0].match: no value",
		"[{match: '', isolation: read_committed}]": "groups[0].match: an empty pattern",
		"[{match: (, isolation: read_committed}]":  `groups[0].match: "(" is not a regular expression`,
		"[{match: a}]":                                   "groups[0]: the rule says nothing of the groups that it matches; give it isolation, offset-reset",
		"[{match: a, cluster: b}]":                       "groups[0]: the rule says nothing",
		"[{match: a, isolation: serializable}]":          `groups[0].isolation: "serializable" is not one of read_uncommitted, read_committed`,
		"[{match: a, offset-reset: none}]":               `groups[0].offset-reset: "none" is not one of latest, earliest`,
		"[{match: a, ignore-unsubscribed: 'true'}]":      `groups[0].ignore-unsubscribed: "true" is neither true nor false, which are written without quotes`,
		"[{match: a, dialects: [kafka_exporter]}]":       `groups[0].dialects: "kafka_exporter" is not one of burrow, kafka-lag-exporter, kminion`,
		"[{match: a, offset-rest: latest}]":              `unknown setting "groups[0].offset-rest"; did you mean "groups[0].offset-reset"?`,
		"[{match: a, isolation: }]":                      "groups[0].isolation: no value; give it one, or leave the key out",
		"{match: a}":                                     "groups: the value must be a list of mappings",
		"[{match: a, dialects: {burrow: true}}]":         "groups[0].dialects: the value must be a single value or a list of them",
		"[{match: [a, b], isolation: read_uncommitted}]": "groups[0].match: the value must be a single value",
	} {
		_, err := parse("--brokers=a", "--config="+file(t, "groups: "+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), " line 1: "+want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

// BenchmarkGroupPolicy is what a poll pays for each group, with ten rules of which none or the last matches.
func BenchmarkGroupPolicy(b *testing.B) {
	var rules []string
	for i := range 10 {
		rules = append(rules, fmt.Sprintf("{match: 'team-%d[.-].*', offset-reset: earliest}", i))
	}
	cfg, err := parse("--brokers=a", "--groups=["+strings.Join(rules, ",")+"]")
	if err != nil {
		b.Fatal(err)
	}
	for name, group := range map[string]string{"none": "orders-service", "last": "team-9.orders-service"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				cfg.GroupPolicy("eu", group)
			}
		})
	}
}
