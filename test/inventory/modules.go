package main

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
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// program is what is built from a package.
type program struct {
	name, module string // the module's path
	version      string
	parts        []part // by path
}

// part is a module that is linked into a program, or Go's standard library.
type part struct {
	path, version string
	licenses      []license // by file
}

// license is a file with one, or with several.
type license struct {
	file string   // relative to the module
	ids  []string // of SPDX; none if it was not recognized
	text string
}

// listed is what `go list` says of a package.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	Module          *struct {
		Path, Version, Dir, GoVersion string
		Main                          bool
		Replace                       *struct{ Path, Version string }
	}
}

// modulesOf finds the modules of the packages that a program links, as it is released: without cgo.
func modulesOf(ctx context.Context, target string) (*program, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=ImportPath,Dir,Standard,Module", target)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w\n%s", target, err, stderr.String())
	}
	p := &program{name: path.Base(target)}
	parts := map[string]*part{}
	packages := json.NewDecoder(bytes.NewReader(out))
	for {
		var l listed
		if err := packages.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list %s: %w", target, err)
		}
		switch {
		case l.Standard:
			// added below, once
		case l.Module == nil:
			return nil, fmt.Errorf("package %s is of no module", l.ImportPath)
		case l.Module.Main:
			p.module = l.Module.Path
		case l.Module.Replace != nil && strings.HasPrefix(l.Module.Replace.Path, "./"):
			// a folder of this repository, under its licence
		case l.Module.Replace != nil:
			return nil, fmt.Errorf("module %s is replaced by %s, of which nothing is known here", l.Module.Path, l.Module.Replace.Path)
		default:
			if parts[l.Module.Path] == nil {
				parts[l.Module.Path] = &part{path: l.Module.Path, version: l.Module.Version}
			}
			if err := parts[l.Module.Path].addLicenses(l.Module.Dir, l.Dir); err != nil {
				return nil, err
			}
		}
	}
	std, err := standardLibrary(ctx)
	if err != nil {
		return nil, err
	}
	p.parts = append(p.parts, std)
	for _, m := range parts {
		slices.SortFunc(m.licenses, func(a, b license) int { return strings.Compare(a.file, b.file) })
		p.parts = append(p.parts, *m)
	}
	slices.SortFunc(p.parts, func(a, b part) int { return strings.Compare(a.path, b.path) })
	return p, nil
}

// standardLibrary is Go's, of which there is something in every program.
func standardLibrary(ctx context.Context) (part, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOROOT").Output()
	if err != nil {
		return part{}, fmt.Errorf("go env: %w", err)
	}
	version, root, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	std := part{path: "std", version: strings.TrimPrefix(version, "go")}
	return std, std.addLicenses(root, root)
}

// addLicenses reads the licences that count for a package: those in its folder and in the folders above it, up to the module's.
func (p *part) addLicenses(module, dir string) error {
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			name, err := filepath.Rel(module, filepath.Join(dir, e.Name()))
			if err != nil {
				return err
			}
			if !isLicense(e) || slices.ContainsFunc(p.licenses, func(l license) bool { return l.file == name }) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return err
			}
			p.licenses = append(p.licenses, license{file: name, ids: recognize(text), text: string(text)})
		}
		if dir == module || len(dir) <= len(module) {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

func isLicense(e fs.DirEntry) bool {
	return e.Type().IsRegular() && regexp.MustCompile(`(?i)^(un)?(licen[sc]e|copying)([-._].*)?$`).MatchString(e.Name()) &&
		!strings.HasSuffix(e.Name(), ".go")
}

// recognize returns the licences of a text, if it is little else.
func recognize(text []byte) []string {
	const enough = 75 // per cent; the rest are names and copyrights
	found := licensecheck.Scan(text)
	if found.Percent < enough {
		return nil
	}
	var ids []string
	for _, match := range found.Match {
		if !match.IsURL && !slices.Contains(ids, match.ID) {
			ids = append(ids, match.ID)
		}
	}
	slices.Sort(ids)
	return ids
}
