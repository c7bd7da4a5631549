package app

import (
	"context"
	"io"
	"runtime/debug"
	"testing"
)

func TestGCPercentYieldsToTheEnvironment(t *testing.T) {
	const unchanged, ours = 90, 50
	for _, test := range []struct {
		environment string
		want        int
	}{{"", ours}, {"80", unchanged}} {
		before := debug.SetGCPercent(unchanged)
		t.Setenv("GOGC", test.environment)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		log := &logBuffer{}
		if code := (Program{Name: "lag-exporter", GCPercent: ours}).Main(ctx, []string{"--brokers=127.0.0.1:1", "--web.listen-address=127.0.0.1:0"}, io.Discard, log); code != exitOK {
			t.Errorf("exit code %d; log:\n%s", code, log)
		}
		if got := debug.SetGCPercent(before); got != test.want {
			t.Errorf("with GOGC=%q in the environment: %d percent, want %d", test.environment, got, test.want)
		}
	}
}
