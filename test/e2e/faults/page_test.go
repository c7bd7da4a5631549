package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// The table of docs/faults.md is between these lines.
const (
	tableBegins = "| # | fault | size | samples | claims | wrong | longest darkness | oldest served | recovery |"
	tableRule   = "|---|---|---|---|---|---|---|---|---|"
	tableEnds   = "<!-- end of the table -->"
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
		len(w.load.Groups()), lasts, report.Samples, report.Claims, len(report.Wrong), second(report.Darkest), second(report.Oldest), second(report.Recovery))
	path := filepath.Join(w.where.Root, "docs", "faults.md")
	page, err := os.ReadFile(path)
	suite.Try(t, err)
	text, err := withLine(string(page), r.number, line)
	suite.Try(t, err)
	suite.Try(t, os.WriteFile(path, []byte(text), 0o644))
}

// withLine puts a row's line into the page's table, in the place of the one that it had.
func withLine(page string, number int, line string) (string, error) {
	before, rest, begins := strings.Cut(page, tableBegins+"\n"+tableRule+"\n")
	table, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return "", fmt.Errorf("docs/faults.md has no table that begins with %q and ends with %q", tableBegins, tableEnds)
	}
	lines := map[int]string{number: line}
	for l := range strings.Lines(table) {
		fields := strings.Split(l, "|")
		if len(fields) < 2 {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(fields[1]))
		if err != nil {
			return "", fmt.Errorf("docs/faults.md: %q has no number: %w", l, err)
		}
		if n != number {
			lines[n] = strings.TrimRight(l, "\n")
		}
	}
	var numbers []int
	for n := range lines {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	var text strings.Builder
	text.WriteString(before + tableBegins + "\n" + tableRule + "\n")
	for _, n := range numbers {
		text.WriteString(lines[n] + "\n")
	}
	return text.String() + tableEnds + after, nil
}
