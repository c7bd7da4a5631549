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
	if got := out.String(); strings.Contains(got, "routine") || !strings.Contains(got, "level=WARN msg=trouble a=1") {
		t.Errorf("logged %q", got)
	}
}
