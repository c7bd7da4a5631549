package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

const root = "../.."

// pages are the Markdown files of the repository, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d pages were found", len(all))
	}
	return all
}

// prose is a page without its blocks of code.
func prose(page string) string {
	return regexp.MustCompile("(?ms)^ *```.*?^ *```$").ReplaceAllString(page, "")
}

// anchors are what GitHub makes of a page's headings.
func anchors(page string) map[string]bool {
	all := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ +(.*?)\s*$`).FindAllStringSubmatch(prose(page), -1) {
		var anchor strings.Builder
		for _, r := range strings.ToLower(heading[1]) {
			switch {
			case r == ' ' || r == '-':
				anchor.WriteRune('-')
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
				anchor.WriteRune(r)
			}
		}
		all[anchor.String()] = true
	}
	return all
}

// TestLinks follows every link that stays within the repository.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	all := pages(t)
	followed := 0
	for path, page := range all {
		for _, found := range link.FindAllStringSubmatch(prose(page), -1) {
			if strings.Contains(found[1], "://") || strings.HasPrefix(found[1], "mailto:") {
				continue
			}
			followed++
			file, anchor, _ := strings.Cut(found[1], "#")
			to := path
			if file != "" {
				to = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %s leads nowhere", path, found[1])
			} else if anchor != "" && !anchors(all[to])[anchor] {
				t.Errorf("%s: %s has no heading for #%s", path, to, anchor)
			}
		}
	}
	if followed < 40 {
		t.Errorf("only %d links were found", followed)
	}
}

// TestIndex wants every page of docs in its index, once.
func TestIndex(t *testing.T) {
	all := pages(t)
	for path := range all {
		name, inDocs := strings.CutPrefix(path, filepath.Join(root, "docs")+"/")
		if !inDocs || name == "README.md" || strings.HasPrefix(name, "adr/") {
			continue
		}
		if n := strings.Count(all[filepath.Join(root, "docs/README.md")], "]("+name+")"); n != 1 {
			t.Errorf("docs/README.md lists %s %d times", name, n)
		}
	}
}
