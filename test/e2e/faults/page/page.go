// Package page keeps the table of docs/faults.md.
package page

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The table of docs/faults.md is between these lines.
const (
	tableBegins = "| # | fault | size | samples | claims | wrong | longest darkness | oldest served | recovery |"
	tableRule   = "|---|---|---|---|---|---|---|---|---|"
	tableEnds   = "<!-- end of the table -->"
)

// WithLine puts a row's line into the page's table, in the place of the one that it had.
func WithLine(page string, number int, line string) (string, error) {
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
