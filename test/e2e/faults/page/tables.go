package page

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The tables whose lines go by names begin with these lines.
const (
	rotationsBegin = "| what is rotated | counts after |"
	measuresBegin  = "| # | what | measured | goal |"
)

// Rotation is how soon something that was replaced counted.
type Rotation struct {
	What  string
	After time.Duration
}

// Rotations writes them into docs/faults.md below the root of the checkout, if that is asked for (DOC=1).
func Rotations(root string, all []Rotation) error {
	return edit(root, func(text string) (_ string, err error) {
		for _, r := range all {
			if text, err = withNamed(text, rotationsBegin, r.What, fmt.Sprintf("| %s | %s |", r.What, r.After.Round(10*time.Millisecond))); err != nil {
				return "", err
			}
		}
		return text, nil
	})
}

// Measure is one more thing that a row measures.
type Measure struct {
	Row                  int
	What, Measured, Goal string
}

// Measures writes them into docs/faults.md as Rotations does.
func Measures(root string, all []Measure) error {
	return edit(root, func(text string) (_ string, err error) {
		for _, m := range all {
			name := fmt.Sprintf("%d | %s", m.Row, m.What)
			if text, err = withNamed(text, measuresBegin, name, fmt.Sprintf("| %s | %s | %s |", name, m.Measured, m.Goal)); err != nil {
				return "", err
			}
		}
		return text, nil
	})
}

func edit(root string, change func(string) (string, error)) error {
	if os.Getenv("DOC") == "" {
		return nil
	}
	path := filepath.Join(root, "docs", "faults.md")
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	after, err := change(string(before))
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(after), 0o644)
}

// withNamed puts a line into a table, in the place of the one that begins with the same name, or as the last one.
func withNamed(page, begins, name, line string) (string, error) {
	head, rest, found := strings.Cut(page, begins+"\n")
	rule, rest, ruled := strings.Cut(rest, "\n")
	table, after, ends := strings.Cut(rest, tableEnds)
	if !found || !ruled || !ends {
		return "", fmt.Errorf("docs/faults.md has no table that begins with %q and ends with %q", begins, tableEnds)
	}
	var text strings.Builder
	text.WriteString(head + begins + "\n" + rule + "\n")
	replaced := false
	for l := range strings.Lines(table) {
		if strings.HasPrefix(l, "| "+name+" |") {
			l, replaced = line+"\n", true
		}
		text.WriteString(l)
	}
	if !replaced {
		text.WriteString(line + "\n")
	}
	return text.String() + tableEnds + after, nil
}
