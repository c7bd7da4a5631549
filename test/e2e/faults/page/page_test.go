package page

import (
	"os"
	"strings"
	"testing"
)

// TestWithLine puts lines into the page that there is, in the order of their numbers, and replaces them.
func TestWithLine(t *testing.T) {
	text := read(t)
	page := text
	var err error
	for _, line := range []struct {
		number int
		line   string
	}{{1002, "| 1002 | b |"}, {1010, "| 1010 | c |"}, {1001, "| 1001 | a |"}, {1010, "| 1010 | d |"}} {
		if page, err = WithLine(page, line.number, line.line); err != nil {
			t.Fatal(err)
		}
	}
	added(t, text, page, "| 1001 | a |\n| 1002 | b |\n| 1010 | d |\n", faults.ends)
	for _, bad := range []string{"", faults.begins + "\n" + faults.rule + "\n| x | y |\n" + faults.ends, faults.begins + "\n" + faults.rule + "\n\n" + faults.ends} {
		if _, err := WithLine(bad, 1, "| 1 |"); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// TestWithGoals: a fault has several goals, which are replaced together, and may have none.
func TestWithGoals(t *testing.T) {
	text := read(t)
	page := text
	var err error
	for _, set := range []struct {
		number int
		lines  []string
	}{
		{1002, []string{"| 1002 | a |", "| 1002 | b |"}}, {1001, []string{"| 1001 | c |"}}, {1003, []string{"| 1003 | d |"}},
		{1002, []string{"| 1002 | e |", "| 1002 | f |"}}, {1003, nil},
	} {
		if page, err = WithGoals(page, set.number, set.lines); err != nil {
			t.Fatal(err)
		}
	}
	added(t, text, page, "| 1001 | c |\n| 1002 | e |\n| 1002 | f |\n", goals.ends)
}

func read(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// added wants these lines before the end of a table, and nothing else to have changed.
func added(t *testing.T, before, after, lines, end string) {
	t.Helper()
	if !strings.Contains(after, lines+end) {
		t.Errorf("%s\nhas no %s", after, lines+end)
	}
	if without := strings.Replace(after, lines, "", 1); without != before {
		t.Errorf("more has changed than the lines:\n%s", without)
	}
}
