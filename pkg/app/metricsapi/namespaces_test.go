package metricsapi

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// parse gives the flags to an Extension.
func parse(t *testing.T, args ...string) *Extension {
	t.Helper()
	e := New()
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, group := range e.FlagGroups() {
		set.AddFlagSet(group.Flags)
	}
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestIsolationNeedsGrants(t *testing.T) {
	const says = "--isolate-namespaces: without the setting namespaces"
	for _, c := range []struct {
		args    []string
		refused bool
	}{
		{[]string{"--isolate-namespaces"}, true},
		{[]string{"--isolate-namespaces", "--namespaces={}"}, false},
		{[]string{"--isolate-namespaces", "--namespaces={a: {groups: x}}"}, false},
		{[]string{"--namespaces={a: {groups: x}}"}, false},
		{nil, false},
	} {
		if err := errors.Join(parse(t, c.args...).Validate()...); (err != nil && strings.Contains(err.Error(), says)) != c.refused {
			t.Errorf("%q: %v", c.args, err)
		}
	}
}

func TestSourceIsIsolatedWhereAskedFor(t *testing.T) {
	store := &collector.Store{}
	store.Publish(&lag.Snapshot{Groups: []*lag.Group{{Name: "pay-eu"}, {Name: "x"}, {Name: "x.y"}}})
	namespaces := map[string]config.Grant{"a": {Names: []string{"x"}, Patterns: []*regexp.Regexp{regexp.MustCompile("^pay-.*$")}}}
	for _, isolate := range []bool{false, true} {
		e := &Extension{isolate: isolate, namespaces: namespaces}
		source := e.source(store, grants(e.namespaces))
		for namespace, want := range map[string]int{"a": 2, "b": 0} {
			if !isolate {
				want = 3
			}
			if got := len(source.Snapshots(namespace)[0].Groups); got != want {
				t.Errorf("isolated %t: %s is shown %d groups, want %d", isolate, namespace, got, want)
			}
		}
	}
}

// TestExampleConfiguration holds manifests/examples/config.yaml against what the program takes.
func TestExampleConfiguration(t *testing.T) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags, e := config.AddFlags(set), New()
	for _, group := range e.FlagGroups() {
		set.AddFlagSet(group.Flags)
	}
	if _, err := flags.Parse(set, []string{"--brokers=a", "--config=../../../manifests/examples/config.yaml"}); err != nil {
		t.Fatal(err)
	}
	granted := grants(e.namespaces)
	if !e.isolate || !granted.Allows("default", "orders") || !granted.Allows("team-b", "payments-eu") || granted.Allows("team-a", "team-b.x") {
		t.Errorf("isolated %t, granted %+v", e.isolate, granted)
	}
}
