package app

import (
	"reflect"
	"strings"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
)

// another is, for each common setting, a file in which it alone differs from `brokers: a`.
func another() map[string]string {
	return map[string]string{
		"brokers":                    "brokers: b",
		"clusters":                   "clusters: [{name: x, brokers: a}]",
		"group-include":              "brokers: a\ngroup-include: x",
		"group-exclude":              "brokers: a\ngroup-exclude: x",
		"topic-include":              "brokers: a\ntopic-include: x",
		"topic-exclude":              "brokers: a\ntopic-exclude: x",
		"cluster-label":              "brokers: a\ncluster-label: true",
		"poll-interval":              "brokers: a\npoll-interval: 6s",
		"max-age":                    "brokers: a\nmax-age: 2m",
		"groups":                     "brokers: a\ngroups: [{match: x, isolation: read_committed}]",
		"dialect":                    "brokers: a\ndialect: burrow",
		"earliest-groups":            "brokers: a\nearliest-groups: x",
		"read-committed-groups":      "brokers: a\nread-committed-groups: x",
		"ignore-unsubscribed-groups": "brokers: a\nignore-unsubscribed-groups: x",
		"max-groups":                 "brokers: a\nmax-groups: 1",
		"max-partitions":             "brokers: a\nmax-partitions: 1",
		"log-level":                  "brokers: a\nlog-level: debug",

		"log-format":           "brokers: a\nlog-format: json",
		"web.config.file":      "brokers: a\nweb.config.file: /dev/null",
		"web.enable-lifecycle": "brokers: a\nweb.enable-lifecycle: true",
		"web.health-address":   "brokers: a\nweb.health-address: :1",
		"web.listen-address":   "brokers: a\nweb.listen-address: :1",
	}
}

// Each setting either counts from a reload on, or refuses it. None may be taken and have no effect.
func TestEverySettingCountsOrRefuses(t *testing.T) {
	f := newFile(t, "brokers: a\n")
	load := func() Loaded {
		t.Helper()
		loaded, err := Program{Name: "lag-exporter"}.load([]string{"--config=" + f.path})
		if err != nil {
			t.Fatal(err)
		}
		return loaded
	}
	before := load()
	if err := before.needsRestart(load()); err != nil {
		t.Errorf("the same settings: %v", err)
	}
	for name := range before.values {
		if name == "config" || name == "version" || strings.HasPrefix(name, "kafka.") { // as brokers
			continue
		}
		text, known := another()[name]
		if !known {
			t.Errorf("%s: say here what another value is, and in reloadable or by running.apply what becomes of it", name)
			continue
		}
		f.write(text + "\n")
		next := load()
		if next.Config.Hash() == before.Config.Hash() {
			t.Errorf("%s: the hash is the same", name)
		}
		err := before.needsRestart(next)
		if taken := err == nil; taken != counts(before, next) {
			t.Errorf("%s: taken: %v, has an effect: %v", name, taken, !taken)
		}
		if err != nil && !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s is refused by %v", name, err)
		}
	}
}

// counts says whether the clusters are collected in another way, or what is shown of them differs.
func counts(a, b Loaded) bool {
	settings := func(l Loaded) (all []any) {
		for _, m := range l.members(collector.NewWanted()) {
			all = append(all, m.Settings)
		}
		return all
	}
	x, y := a.Config, b.Config
	return !reflect.DeepEqual(settings(a), settings(b)) || x.MaxAge != y.MaxAge || x.ClusterLabel != y.ClusterLabel || x.LogLevel != y.LogLevel ||
		!reflect.DeepEqual(x.AllDialects(), y.AllDialects())
}

// A cluster is left alone by what is no matter of its collection.
func TestWhatLeavesAClusterAlone(t *testing.T) {
	const two = "clusters: [{name: x, brokers: a}, {name: y, brokers: b, group-include: 'g.*'}]\n"
	f := newFile(t, two)
	settings := func(text string) map[string]any {
		t.Helper()
		f.write(text)
		loaded, err := Program{Name: "lag-exporter"}.load([]string{"--config=" + f.path})
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]any{}
		for _, m := range loaded.members(collector.NewWanted()) {
			all[m.Name] = m.Settings
		}
		return all
	}
	before := settings(two)
	for text, want := range map[string]string{
		two: "",
		two + "max-age: 2m\nlog-level: debug\ncluster-label: true\ndialect: burrow\ngroups: [{match: g, dialects: [kminion]}]": "",
		two + "groups: [{match: g, cluster: x, isolation: read_committed}]":                                                    "x",
		"clusters: [{name: x, brokers: a}, {name: y, brokers: b, group-include: 'h.*'}]":                                       "y",
		"clusters: [{name: y, brokers: b, group-include: 'g.*'}, {name: x, brokers: a}, {name: z, brokers: a}]":                "",
		two + "max-age: 20s": "xy", // what is read slowly is read more often
		two + "groups: [{match: g, offset-reset: earliest}]": "xy",
	} {
		changed := ""
		after := settings(text)
		for _, name := range []string{"x", "y"} {
			if !reflect.DeepEqual(before[name], after[name]) {
				changed += name
			}
		}
		if changed != want {
			t.Errorf("%s\nreplaces %q, want %q", text, changed, want)
		}
	}
	rule := two + "groups: [{match: g, isolation: read_committed"
	if plain, shown := settings(rule+"}]"), settings(rule+", dialects: [kminion]}]"); !reflect.DeepEqual(plain, shown) {
		t.Error("how a group is shown replaces its cluster")
	}
}
