package kafka

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The table of errors in docs/connect.md has every message that says what to change, and neither it nor those of docs/connect have any other.
func TestErrorsPage(t *testing.T) {
	docs := filepath.Join("..", "..", "docs")
	rows, hints := errorRows(t, filepath.Join(docs, "connect.md"), "## What errors mean"), hintTexts(t)
	if len(rows) < 20 || len(hints) < 20 {
		t.Fatalf("%d messages in the table, %d in the code", len(rows), len(hints))
	}
	// A row has the beginning of a message, or what follows a name in it, and … for what differs.
	covers := func(row, hint string) bool {
		for part := range strings.SplitSeq(strings.ReplaceAll(row, `"…"`, "…"), "…") {
			if part = strings.TrimSpace(part); part != "" && !strings.Contains(hint, part) {
				return false
			}
		}
		return true
	}
	for _, hint := range hints {
		if !slices.ContainsFunc(rows, func(row string) bool { return covers(row, hint) }) {
			t.Errorf("docs/connect.md does not have %q", hint)
		}
	}
	pages, err := filepath.Glob(filepath.Join(docs, "connect", "*.md"))
	if err != nil || len(pages) < 7 {
		t.Fatalf("pages %v (%v)", pages, err)
	}
	for _, page := range pages {
		of := errorRows(t, page, "## Errors")
		if len(of) < 3 {
			t.Errorf("%s has %d messages", page, len(of))
		}
		rows = append(rows, of...)
	}
	for _, row := range rows {
		if !slices.ContainsFunc(hints, func(hint string) bool { return covers(row, hint) }) {
			t.Errorf("docs/connect has %q, which no error says", row)
		}
	}
}

// errorRows returns the messages in the first column of the table below that heading.
func errorRows(t *testing.T, path, heading string) (rows []string) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), heading)
	for line := range strings.Lines(table) {
		cells := strings.Split(line, " | ")
		if len(cells) < 2 || !strings.HasPrefix(line, "| `") {
			continue
		}
		for i, part := range strings.Split(cells[0], "`") {
			if i%2 == 1 {
				rows = append(rows, part)
			}
		}
	}
	return rows
}

// hintTexts returns the format of each call of hinted in this package.
func hintTexts(t *testing.T) (hints []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			const format = 2
			if call, ok := n.(*ast.CallExpr); ok && len(call.Args) > format {
				if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "hinted" {
					hints = append(hints, literal(call.Args[format]))
				}
			}
			return true
		})
	}
	return hints
}

// literal returns the text of string literals that are put together by +.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return literal(e.X) + literal(e.Y)
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value) // the parser has read it
		return text
	}
	return ""
}
