package metricsapi

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestQuieter(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(quieter{slog.NewTextHandler(&out, nil)}).With("a", 1).WithGroup("g")
	logger.Info("routine")
	logger.Warn("trouble")
	verbose := slog.New(quieter{slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})})
	verbose.Log(t.Context(), slog.LevelDebug+2, "between")
	verbose.Log(t.Context(), slog.LevelDebug-1, "too much")
	if got := out.String(); !strings.Contains(got, `"level":"DEBUG","msg":"between"`) || strings.Contains(got, "too much") {
		t.Errorf("logged %q", got)
	}
	if got := out.String(); strings.Contains(got, "routine") || !strings.Contains(got, "level=WARN msg=trouble a=1") {
		t.Errorf("logged %q", got)
	}
}
