// Package page keeps the table of docs/faults.md.
package page

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Table is one of the tables of docs/faults.md: the line that it begins with.
type Table string

// The tables.
const (
	RealParts Table = "| # | fault | size | samples | claims | wrong | longest darkness | oldest served | recovery |"
	Fakes     Table = "| # | on a fake broker or clock | tests | cases | result |"

	tableEnds = "<!-- end of the table -->"
)

// WithLine puts a row's line into a table of the page, in the place of the one that it had.
func (t Table) WithLine(page string, number int, line string) (string, error) {
	head := string(t) + "\n" + strings.Repeat("|---", strings.Count(string(t), "|")-1) + "|\n"
	before, rest, begins := strings.Cut(page, head)
	table, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return "", fmt.Errorf("docs/faults.md has no table that begins with %q and ends with %q", head, tableEnds)
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
	text.WriteString(before + head)
	for _, n := range numbers {
		text.WriteString(lines[n] + "\n")
	}
	return text.String() + tableEnds + after, nil
}
