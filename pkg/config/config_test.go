package config

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// says wants a refusal with all of these parts.
func says(t *testing.T, err error, parts []string) {
	t.Helper()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing from:\n%v", part, err)
		}
	}
}

func parse(args ...string) (Config, error) {
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	set.SetOutput(&strings.Builder{})
	return AddFlags(set).Parse(set, args)
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	cfg, err := parse("--brokers=kafka")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cfg.Clusters[0].Brokers, []string{"kafka:9092"}) || cfg.ListenAddress != ":9308" || cfg.PollInterval != 5*time.Second ||
		cfg.MaxAge != time.Minute || cfg.LogLevel != slog.LevelInfo || cfg.LogFormat != "text" || !cfg.Clusters[0].Groups.Match("any") || !cfg.Clusters[0].Topics.Match("any") {
		t.Errorf("%+v", cfg)
	}
}

func TestBrokersCommaSeparatedAndRepeated(t *testing.T) {
	cfg, err := parse("--brokers=a:1,b:2", "--brokers", "[::1]:3")
	if want := []string{"a:1", "b:2", "[::1]:3"}; err != nil || !slices.Equal(cfg.Clusters[0].Brokers, want) {
		t.Errorf("%v, %v; want %v", cfg.Clusters[0].Brokers, err, want)
	}
}

func TestPatternsMatchWholeNames(t *testing.T) {
	cfg, err := parse("--brokers=a", "--group-include=orders|pay.*", "--group-exclude=pay-test", "--topic-exclude=__.*")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"orders": true, "orders-2": false, "payments": true, "pay-test": false, "other": false} {
		if cfg.Clusters[0].Groups.Match(name) != want {
			t.Errorf("group %s: %v", name, !want)
		}
	}
	if cfg.Clusters[0].Topics.Match("__consumer_offsets") || !cfg.Clusters[0].Topics.Match("orders") {
		t.Error("topic filter")
	}
}

func TestFileIsOverriddenByFlags(t *testing.T) {
	path := file(t, "brokers: [a:1, b:2]\npoll-interval: 10s\nmax-age: 5m\nweb.listen-address: 127.0.0.1:0\n")
	cfg, err := parse("--config", path, "--poll-interval=1s")
	if err != nil || len(cfg.Clusters[0].Brokers) != 2 || cfg.PollInterval != time.Second || cfg.MaxAge != 5*time.Minute || cfg.ListenAddress != "127.0.0.1:0" {
		t.Errorf("%+v, %v", cfg, err)
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	if _, err := parse("--help"); !errors.Is(err, pflag.ErrHelp) {
		t.Error(err)
	}
}

// Each mistake names the setting, the value and what is allowed.
func TestMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		file string
		want []string
	}{
		"no brokers":           {want: []string{"--brokers: no value", "host:port"}},
		"bad broker port":      {args: []string{"--brokers=kafka:port"}, want: []string{"--brokers", `"port"`, "1 to 65535"}},
		"broker with a scheme": {args: []string{"--brokers=kafka://x:1"}, want: []string{"--brokers", "kafka://x:1"}},
		"empty broker":         {args: []string{"--brokers=a:1,"}, want: []string{"--brokers", "host"}},
		"not a duration":       {args: []string{"--poll-interval=soon"}, want: []string{"--poll-interval", `"soon"`, "200ms", "10m0s"}},
		"too short":            {args: []string{"--poll-interval=1ms"}, want: []string{"--poll-interval", `"1ms"`, "200ms"}},
		"max-age too short":    {args: []string{"--poll-interval=5s", "--max-age=5s"}, want: []string{"--max-age: 5s", "--poll-interval (5s)"}},
		"bad pattern":          {args: []string{"--group-include=("}, want: []string{"--group-include", `"("`, "RE2"}},
		"pattern closes ours":  {args: []string{"--group-include=a)|(?:b"}, want: []string{"--group-include", "RE2"}},
		"bad level":            {args: []string{"--log-level=loud"}, want: []string{"--log-level", `"loud"`, "debug, info, warn and error"}},
		"bad format":           {args: []string{"--log-format=xml"}, want: []string{"--log-format", `"xml"`, "text, json"}},
		"bad listen address":   {args: []string{"--web.listen-address=9308"}, want: []string{"--web.listen-address", `"9308"`}},
		"stray argument":       {args: []string{"start"}, want: []string{`"start"`, "--help"}},
		"unknown flag":         {args: []string{"--broker=a"}, want: []string{"--broker", "--help"}},
		"several at once":      {args: []string{"--log-level=loud", "--poll-interval=soon"}, want: []string{"--log-level", "--poll-interval", "--brokers"}},
		"with an unknown flag": {args: []string{"--log-level=loud", "--nope"}, want: []string{"--log-level", "--nope"}},
		"unknown key":          {file: "brokers: a\npol-interval: 5s\n", want: []string{"line 2", `"pol-interval"`, `"poll-interval"`}},
		"file in file":         {file: "config: other.yaml\n", want: []string{"line 1", `"config"`}},
		"key twice":            {file: "brokers: a\nbrokers: b\n", want: []string{"line 2", "line 1"}},
		"bad value in file":    {file: "poll-interval: soon\n", want: []string{`line 1: poll-interval: "soon"`}},
		"mapping as value":     {file: "brokers: {a: 1}\n", want: []string{"line 1: brokers: ", "single value or a list"}},
		"not a mapping":        {file: "- a\n", want: []string{"mapping"}},
		"not YAML":             {file: "a: [", want: []string{"YAML"}},
		"two documents":        {file: "brokers: a\n---\nbrokers: b\n", want: []string{"more than one document"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := c.args
			if c.file != "" {
				args = append(args, "--config="+file(t, c.file))
			}
			_, err := parse(args...)
			says(t, err, c.want)
		})
	}
	if _, err := parse("--brokers=a", "--config=/does/not/exist"); err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Error(err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add("brokers: [a:1]\n")
	f.Add("a: &x [*x]\n")
	f.Add("? {}\n: 1")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = parse("--config=" + file(t, text)) // must not panic
	})
}

func FuzzFlags(f *testing.F) {
	f.Add("brokers", "a:1,[::1]")
	f.Add("group-include", "(?i)a+")
	f.Fuzz(func(t *testing.T, name, value string) {
		cfg, err := parse("--brokers=ok:1", "--"+name+"="+value)
		if err == nil {
			cfg.Clusters[0].Groups.Match(value)
			for _, b := range cfg.Clusters[0].Brokers {
				if _, err := hostPort(b, ""); err != nil {
					t.Errorf("accepted broker %q: %v", b, err)
				}
			}
		}
	})
}

func TestGroupPoliciesAndLimits(t *testing.T) {
	cfg, err := parse("--brokers=a", "--earliest-groups=batch-.*", "--read-committed-groups=billing", "--max-groups=10", "--max-partitions=0")
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.GroupPolicies
	if !p.Earliest.MatchString("batch-1") || p.Earliest.MatchString("a-batch-1") || !p.ReadCommitted.MatchString("billing") || p.IgnoreUnsubscribed != nil {
		t.Errorf("%+v", p)
	}
	if cfg.MaxGroups != 10 || cfg.MaxPartitions != 0 {
		t.Errorf("at most %d groups and %d partitions", cfg.MaxGroups, cfg.MaxPartitions)
	}
	_, err = parse("--brokers=a", "--max-groups=-1", "--max-partitions=many", "--earliest-groups=(")
	for _, want := range []string{`--max-groups: "-1" is not a number from 0`, `--max-partitions: "many"`, `--earliest-groups: "(" is not a regular expression`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}

// A file that is none of ours is refused in no time, and without a book about it.
func TestMistakesAreBounded(t *testing.T) {
	var unknown strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&unknown, "key-%d: 1\n", i)
	}
	for name, text := range map[string]string{
		"unknown keys": unknown.String(), "clusters": "clusters:\n" + strings.Repeat("- {x: 1}\n", 50_000), "rules": "groups:\n" + strings.Repeat("- {match: a}\n", 50_000),
		"a long key": strings.Repeat("k", 900_000) + ": 1\n",
	} {
		_, err := parse("--config=" + file(t, text))
		invalid, ok := errors.AsType[*InvalidError](err)
		if !ok || len(invalid.Mistakes) > maxMistakes+1 {
			t.Errorf("%s: %d mistakes", name, len(invalid.Mistakes))
		} else if name != "a long key" && !strings.HasSuffix(err.Error(), "there are more than 1000 mistakes; the others are not told") {
			t.Errorf("%s: it is not said that there are more", name)
		}
	}
}
