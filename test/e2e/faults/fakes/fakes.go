// Package fakes runs the rows of the catalogue of faults that need no real parts:
// a broker that is too old, or answers with garbage, or has 100,000 groups, and a
// clock that is set, are honest as fakes, and real ones cannot be had at will.
package fakes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Row is such a row.
type Row struct {
	Number int
	Text   string // what is done
	// Also are tests besides those called after the row, such as fuzz targets with their seeds.
	Also []string
}

// Rows are all of them.
func Rows() []Row {
	return []Row{
		{12, "brokers of every version from 2.1 on, and such as lack one request", nil},
		{19, "100,000 groups, in the program with its default limits and the memory of its manifest", nil},
		{22, "the wall clock is set by an hour, forth and back", nil},
		{23, "answers that are cut, longer than they say, impossible, twice the same, noise", []string{"FuzzHostileBytes", "FuzzDecode", "FuzzCompute"}},
		{25, "lags of more than 9.2e15, and sums that come to more", []string{"FuzzCompute"}},
	}
}

// pattern is what the names of the row's tests begin with.
func (r Row) pattern() string {
	return "(" + strings.Join(append([]string{fmt.Sprintf(`TestRow%d[A-Z]\w*`, r.Number)}, withRest(r.Also)...), "|") + ")"
}

func withRest(names []string) (all []string) {
	for _, name := range names {
		all = append(all, name+`\w*`)
	}
	return all
}

// Result is what became of a row.
type Result struct {
	Tests, Cases int
	Failed       []string
	Output       string // of what failed
}

// Run runs the row's tests in the module at root. Its error is about running them.
func (r Row) Run(ctx context.Context, root string) (Result, error) {
	packages, err := r.packages(root)
	if err != nil {
		return Result{}, err
	}
	if len(packages) == 0 {
		return Result{}, fmt.Errorf("row %d has no tests in %s", r.Number, root)
	}
	args := append([]string{"test", "-json", "-count=1", "-timeout=20m", "-run=^" + r.pattern() + "$"}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	result, parsed := parse(bytes.NewReader(out))
	if parsed != nil {
		return Result{}, parsed
	}
	if err != nil && len(result.Failed) == 0 {
		return Result{}, fmt.Errorf("go %s: %w: %s%s", strings.Join(args, " "), err, errors.Bytes(), out)
	}
	return result, nil
}

// packages are those with tests of the row. All others need not be built.
func (r Row) packages(root string) ([]string, error) {
	test := regexp.MustCompile(`(?m)^func ` + r.pattern() + `\(`)
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || exists(filepath.Join(path, "go.mod"))) {
			return fs.SkipDir // another module
		}
		if entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil && test.Match(text) {
			var dir string
			dir, err = filepath.Rel(root, filepath.Dir(path))
			found["./"+filepath.ToSlash(dir)] = true
		}
		return err
	})
	var packages []string
	for dir := range found {
		packages = append(packages, dir)
	}
	slices.Sort(packages)
	return packages, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// event is a line of what `go test -json` says.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// parse counts tests and their cases, which are subtests, and a test without any.
func parse(from io.Reader) (Result, error) {
	var result Result
	output, cases, failed := map[string]string{}, map[string]int{}, []string(nil)
	ended := map[string]string{}
	for decoder := json.NewDecoder(from); ; {
		var e event
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return Result{}, fmt.Errorf("what go test -json says: %w", err)
		}
		name := e.Package + " " + e.Test
		switch e.Action {
		case "output":
			output[name] += e.Output
		case "pass", "fail", "skip":
			ended[name] = e.Action
			if e.Action != "pass" {
				failed = append(failed, name)
			}
			if parent, _, sub := cutLast(name, "/"); sub {
				cases[parent]++
			}
		}
	}
	for name := range ended {
		if strings.HasSuffix(name, " ") { // a package
			continue
		}
		if !strings.Contains(name[strings.Index(name, " "):], "/") {
			result.Tests++
		}
		if cases[name] == 0 {
			result.Cases++
		}
	}
	slices.Sort(failed)
	for _, name := range failed {
		result.Failed = append(result.Failed, strings.TrimSpace(name))
		result.Output += output[name]
	}
	return result, nil
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < strings.Index(s, " ") { // of the package's path
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

// Line is the row's in docs/faults.md.
func (r Row) Line(result Result) string {
	said := "ok"
	if len(result.Failed) > 0 {
		said = fmt.Sprintf("%d failed", len(result.Failed))
	}
	return fmt.Sprintf("| %d | %s | %d | %d | %s |", r.Number, r.Text, result.Tests, result.Cases, said)
}
