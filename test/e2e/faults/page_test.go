package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/page"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// report writes a row's line in docs/faults.md, if it is asked to (DOC=1).
func (r row) report(t *testing.T, w *world, lasts time.Duration, report check.Report) {
	t.Helper()
	if os.Getenv("DOC") == "" {
		return
	}
	second := func(e check.Extreme) string {
		if e.Duration < 100*time.Millisecond {
			return "none"
		}
		return fmt.Sprintf("%.1f s", e.Seconds())
	}
	line := fmt.Sprintf("| %d | %s | %d groups, %s | %d | %d | %d | %s | %s | %s |", r.number, strings.ReplaceAll(r.name, "-", " "),
		w.all(), lasts, report.Samples, report.Claims, len(report.Wrong), second(report.Darkest), second(report.Oldest), second(report.Recovery))
	path := filepath.Join(w.where.Root, "docs", "faults.md")
	before, err := os.ReadFile(path)
	suite.Try(t, err)
	text, err := page.RealParts.WithLine(string(before), r.number, line)
	suite.Try(t, err)
	suite.Try(t, os.WriteFile(path, []byte(text), 0o644))
}
