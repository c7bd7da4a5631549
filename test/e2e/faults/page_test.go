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

// report writes a row's line and its goals in docs/faults.md, if it is asked to (DOC=1).
func (r row) report(t *testing.T, w *world, lasts time.Duration, report check.Report, goals []goal) {
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
	const others = 3 // the steady one, share and streams
	size := fmt.Sprintf("%d groups, %s", w.groups+len(w.targets().Subjects)+others, lasts)
	line := fmt.Sprintf("| %d | %s | %s | %d | %d | %d | %s | %s | %s |", r.number, strings.ReplaceAll(r.name, "-", " "), size, report.Samples, report.Claims, len(report.Wrong), second(report.Darkest), second(report.Oldest), second(report.Recovery))
	path := filepath.Join(w.where.Root, "docs", "faults.md")
	before, err := os.ReadFile(path)
	suite.Try(t, err)
	text, err := page.WithLine(string(before), r.number, line)
	suite.Try(t, err)
	var lines []string
	for _, g := range goals {
		lines = append(lines, fmt.Sprintf("| %d | %s | %s | %s | %s |", r.number, g.text, size, g.measured, g.verdict(w)))
	}
	text, err = page.WithGoals(text, r.number, lines)
	suite.Try(t, err)
	suite.Try(t, os.WriteFile(path, []byte(text), 0o644))
}
