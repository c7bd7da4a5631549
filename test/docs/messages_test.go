package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMessagesExist looks up what docs/troubleshooting.md says that the programs say: the code in the first column of the tables that
// have the heading "it says". What differs from one time to the next stands there as … and is not looked at.
func TestMessagesExist(t *testing.T) {
	page := pages(t)[filepath.Join(root, "docs/troubleshooting.md")]
	source := literals(t)
	quoted, ours := 0, false
	for line := range strings.Lines(page) {
		cell, _, isRow := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		switch {
		case !isRow:
			ours = false
		case cell == "it says":
			ours = true
		}
		if !ours {
			continue
		}
		for _, message := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
			for part := range strings.SplitSeq(message[1], "…") {
				if part = strings.TrimSpace(part); part == "" {
					continue
				}
				quoted++
				if !strings.Contains(source, part) {
					t.Errorf("no program says %q", part)
				}
			}
		}
	}
	if quoted < 25 {
		t.Errorf("only %d messages were found", quoted)
	}
}

// literals is the source of the programs, with strings that are put together from several as one.
func literals(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(filepath.Join(root, "pkg"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`"\s*\+\s*"`).ReplaceAllString(all.String(), "")
}
