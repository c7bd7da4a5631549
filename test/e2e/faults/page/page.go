// Package page keeps the tables of docs/faults.md.
package page

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// table is one of the page's, by what it is between.
type table struct{ begins, rule, ends string }

// The tables of docs/faults.md. The first column of each is the number of the fault.
var (
	faults = table{
		"| # | fault | size | samples | claims | wrong | longest darkness | oldest served | recovery |",
		"|---|---|---|---|---|---|---|---|---|",
		"<!-- end of the table -->",
	}
	goals = table{
		"| # | goal | size | measured | |",
		"|---|---|---|---|---|",
		"<!-- end of the goals -->",
	}
)

// WithLine puts a fault's line into the page's table, in the place of the one that it had.
func WithLine(page string, number int, line string) (string, error) {
	return faults.with(page, number, []string{line})
}

// WithGoals puts the goals of a fault into the page's table of goals, in the place of those that it had.
func WithGoals(page string, number int, lines []string) (string, error) {
	return goals.with(page, number, lines)
}

func (t table) with(page string, number int, lines []string) (string, error) {
	before, rest, begins := strings.Cut(page, t.begins+"\n"+t.rule+"\n")
	rows, after, ends := strings.Cut(rest, t.ends)
	if !begins || !ends {
		return "", fmt.Errorf("docs/faults.md has no table that begins with %q and ends with %q", t.begins, t.ends)
	}
	all := map[int][]string{}
	for l := range strings.Lines(rows) {
		n, err := numberOf(l)
		if err != nil {
			return "", err
		}
		all[n] = append(all[n], strings.TrimRight(l, "\n"))
	}
	all[number] = lines
	var numbers []int
	for n := range all {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	var text strings.Builder
	text.WriteString(before + t.begins + "\n" + t.rule + "\n")
	for _, n := range numbers {
		for _, line := range all[n] {
			text.WriteString(line + "\n")
		}
	}
	return text.String() + t.ends + after, nil
}

func numberOf(line string) (int, error) {
	fields := strings.Split(line, "|")
	if len(fields) < 2 {
		return 0, fmt.Errorf("docs/faults.md: %q is no line of a table", line)
	}
	n, err := strconv.Atoi(strings.TrimSpace(fields[1]))
	if err != nil {
		return 0, fmt.Errorf("docs/faults.md: %q has no number: %w", line, err)
	}
	return n, nil
}
