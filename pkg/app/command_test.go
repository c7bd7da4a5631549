package app

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// commands is a program with a command that tells what it was given.
func commands() Program {
	var output string
	return Program{Name: "lag-exporter", Commands: []Command{
		{Name: "show", Summary: "Shows it.", Flags: func(set *pflag.FlagSet) { set.StringVarP(&output, "output", "o", "text", "The form.") },
			Run: func(_ context.Context, call Call) int {
				if call.Err != nil {
					return call.Wrong()
				}
				_, _ = fmt.Fprintln(call.Stdout, "as", output, call.Loaded.Config.Clusters[0].Brokers)
				return 7
			}},
		{Name: "config show", Summary: "Shows the file.", File: true, Run: func(_ context.Context, call Call) int {
			_, _ = fmt.Fprintln(call.Stdout, filepath.Base(call.Loaded.Config.File), call.Loaded.Config.Clusters[0].Brokers, call.Err)
			return 0
		}},
	}}
}

func TestCommands(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("brokers: b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"show --brokers=a -o json", 7, "as json [a:9092]", ""},
		{"show --brokers a", 7, "as text [a:9092]", ""},
		{"show", exitUsage, "", "--brokers: no value"},
		{"show x --brokers=a", exitUsage, "", `"x"`},
		{"show --help", exitOK, "--output", ""},
		{"show --version", exitOK, "lag-exporter ", ""},
		{"config show --poll-interval 1s " + path, exitOK, "config.yaml [b:9092] <nil>", ""},
		{"config show --brokers=a", exitOK, "0 arguments besides the flags", ""},
		{"config", exitUsage, "", `"config" is neither a flag nor a command; the commands are: config print, config check, config schema, show, config show`},
		{"--help", exitOK, "config show FILE", ""},
		{"--brokers=a --output=json", exitUsage, "", "unknown flag: --output"},
	} {
		var stdout, stderr bytes.Buffer
		code := commands().Main(t.Context(), strings.Fields(c.args), &stdout, &stderr)
		if code != c.code || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", c.args, code, stdout.String(), stderr.String())
		}
	}
}

// Each load reads the file anew and shares nothing with those before.
func TestLoadsAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program, args := Program{Name: "lag-exporter"}, []string{"--config=" + path, "--group-include=x"}
	write("brokers: [a, b]\nmax-groups: 1\n")
	first, err := program.load(args)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := program.load(args); err != nil || again.Config.Hash() != first.Config.Hash() || len(again.Config.Clusters[0].Brokers) != 2 {
		t.Errorf("%+v, %v", again, err)
	}
	write("brokers: c\nmax-gruops: 1\n")
	if _, err := program.load(args); err == nil || !strings.Contains(err.Error(), "max-groups") {
		t.Errorf("the mistake is not told: %v", err)
	}
	write("brokers: [c]\n")
	second, err := program.load(args)
	if err != nil || second.Config.Clusters[0].Brokers[0] != "c:9092" || second.Config.MaxGroups != 20_000 || second.Config.Hash() == first.Config.Hash() {
		t.Errorf("%+v, %v", second, err)
	}
	if first.Config.Clusters[0].Brokers[0] != "a:9092" || first.Config.MaxGroups != 1 || first.Config.File != path {
		t.Errorf("the first load has changed: %+v", first)
	}
}
