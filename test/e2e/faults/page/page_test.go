package page

import (
	"os"
	"strings"
	"testing"
)

// TestWithLine puts lines into the tables of the page that there is, in the order of their numbers, and replaces them.
func TestWithLine(t *testing.T) {
	for _, table := range []Table{RealParts, Fakes} {
		t.Run(string(table), func(t *testing.T) { testWithLine(t, table) })
	}
}

func testWithLine(t *testing.T, table Table) {
	t.Helper()
	text, err := os.ReadFile("../../../../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, add := range []struct {
		number int
		line   string
	}{{1002, "| 1002 | b |"}, {1010, "| 1010 | c |"}, {1001, "| 1001 | a |"}, {1010, "| 1010 | d |"}} {
		if page, err = table.WithLine(page, add.number, add.line); err != nil {
			t.Fatal(err)
		}
	}
	if want := "| 1001 | a |\n| 1002 | b |\n| 1010 | d |\n" + tableEnds; !strings.Contains(page, want) {
		t.Errorf("%s\nhas no %s", page, want)
	}
	if without := strings.Replace(page, "| 1001 | a |\n| 1002 | b |\n| 1010 | d |\n", "", 1); without != string(text) {
		t.Errorf("more has changed than the lines:\n%s", without)
	}
	rule := strings.Repeat("|---", strings.Count(string(table), "|")-1) + "|"
	for _, bad := range []string{"", string(table) + "\n" + rule + "\n| x | y |\n" + tableEnds} {
		if _, err := table.WithLine(bad, 1, "| 1 |"); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// TestNamed puts lines into both tables of names, and replaces the first of them.
func TestNamed(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, begins := range []string{rotationsBegin, measuresBegin} {
		page := string(text)
		for _, add := range []struct{ name, line string }{{"new 1", "| new 1 | a |"}, {"new 2", "| new 2 | b |"}, {"new 1", "| new 1 | c |"}} {
			if page, err = withNamed(page, begins, add.name, add.line); err != nil {
				t.Fatal(err)
			}
		}
		const want = "| new 1 | c |\n| new 2 | b |\n"
		if !strings.Contains(page, want+tableEnds) {
			t.Errorf("%s\nhas no %s", page, want)
		}
		if strings.Replace(page, want, "", 1) != string(text) {
			t.Errorf("more has changed than the lines:\n%s", page)
		}
		if _, err := withNamed("", begins, "a", "| a |"); err == nil {
			t.Error("no table, and no error")
		}
	}
}
