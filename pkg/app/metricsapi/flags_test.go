package metricsapi

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func TestHotInterval(t *testing.T) {
	for value, want := range map[string]string{
		"0":     "",
		"200ms": "",
		"1m":    "",
		"199ms": "--hot-interval: 199ms is not a duration from 200ms to 1m0s, or 0",
		"61s":   "--hot-interval: 1m1s is not a duration from 200ms to 1m0s, or 0",
		"-1s":   "--hot-interval: -1s is not a duration from 200ms to 1m0s, or 0",
	} {
		e := New()
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		for _, g := range e.FlagGroups() {
			flags.AddFlagSet(g.Flags)
		}
		if err := flags.Parse([]string{"--hot-interval=" + value}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, err := range e.Validate() {
			got = append(got, err.Error())
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
		if d, err := time.ParseDuration(value); err != nil || e.WantedInterval() != d {
			t.Errorf("%s is taken for %s, %v", value, e.WantedInterval(), err)
		}
	}
}
