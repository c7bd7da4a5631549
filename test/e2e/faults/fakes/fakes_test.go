package fakes

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/page"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestFakes runs the rows, all of them or some (ROW=12,19), and writes their lines (DOC=1). It is a part of `make faults`; the tests
// themselves run with those of their packages.
func TestFakes(t *testing.T) {
	var only []string
	if some := os.Getenv("ROW"); some != "" {
		only = strings.Split(some, ",")
	}
	where, err := layout.Find()
	suite.Try(t, err)
	for _, r := range Rows() {
		if only != nil && !slices.Contains(only, strconv.Itoa(r.Number)) || only == nil && os.Getenv("FAULTS") == "" {
			continue
		}
		t.Run(strconv.Itoa(r.Number), func(t *testing.T) {
			result, err := r.Run(t.Context(), where.Root)
			suite.Try(t, err)
			t.Log(r.Line(result))
			if len(result.Failed) > 0 || result.Tests == 0 {
				t.Errorf("%v\n%s", result.Failed, result.Output)
			}
			if os.Getenv("DOC") == "" {
				return
			}
			path := filepath.Join(where.Root, "docs", "faults.md")
			before, err := os.ReadFile(path)
			suite.Try(t, err)
			text, err := page.Fakes.WithLine(string(before), r.Number, r.Line(result))
			suite.Try(t, err)
			suite.Try(t, os.WriteFile(path, []byte(text), 0o644))
		})
	}
}

func TestParse(t *testing.T) {
	said := `{"Action":"run","Package":"a/b","Test":"TestRow1X"}
{"Action":"pass","Package":"a/b","Test":"TestRow1X/one"}
{"Action":"output","Package":"a/b","Test":"TestRow1X/two","Output":"it is wrong\n"}
{"Action":"fail","Package":"a/b","Test":"TestRow1X/two"}
{"Action":"fail","Package":"a/b","Test":"TestRow1X"}
{"Action":"pass","Package":"a/b","Test":"TestRow1Y"}
{"Action":"skip","Package":"a/b","Test":"TestRow1Z"}
{"Action":"fail","Package":"a/b"}
`
	got, err := parse(strings.NewReader(said))
	if err != nil || got.Tests != 3 || got.Cases != 4 || got.Output != "it is wrong\n" ||
		!slices.Equal(got.Failed, []string{"a/b", "a/b TestRow1X", "a/b TestRow1X/two", "a/b TestRow1Z"}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := parse(strings.NewReader("panic")); err == nil {
		t.Error("what is no JSON is taken")
	}
}

func TestPackagesAreThoseWithTestsOfTheRow(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"a/x_test.go": "package a\nfunc TestRow1One(t *testing.T) {}\n", "b/x_test.go": "package b\nfunc TestRow12Other(t *testing.T) {}\n",
		"c/x_test.go": "package c\nfunc FuzzAll(f *testing.F) {}\n", "d/x.go": "package d\nfunc TestRow1One(t *testing.T) {}\n",
		"e/go.mod": "module e\n", "e/x_test.go": "package e\nfunc TestRow1One(t *testing.T) {}\n",
	} {
		path := filepath.Join(root, name)
		suite.Try(t, os.MkdirAll(filepath.Dir(path), 0o755))
		suite.Try(t, os.WriteFile(path, []byte(text), 0o600))
	}
	got, err := Row{Number: 1, Also: []string{"FuzzA"}}.packages(root)
	if err != nil || !slices.Equal(got, []string{"./a", "./c"}) {
		t.Errorf("%v, %v", got, err)
	}
}
