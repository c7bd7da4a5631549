package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// maxFile bounds what is read of a configuration file, in bytes.
const maxFile = 1 << 20

// applyFile sets the flags named by the file's keys, but not those that the command line set.
func applyFile(set *pflag.FlagSet, path string) error {
	settings, err := readFile(path)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	var errs []error
	for _, m := range applyKeys(set, map[string]int{}, "", settings) {
		errs = append(errs, fmt.Errorf("--config: %s line %d: %w", path, m.line, m.err))
	}
	return errors.Join(errs...)
}

// applyKeys sets the flags named by the keys of a mapping. A flag whose name has dots may be written as a mapping within a
// mapping: `kafka: {tls: {enabled: true}}` is kafka.tls.enabled. seen holds the lines of the names so far.
func applyKeys(set *pflag.FlagSet, seen map[string]int, prefix string, settings []*yaml.Node) (errs mistakes) {
	for i := 0; i+1 < len(settings); i += 2 {
		key, value := settings[i], settings[i+1]
		name := prefix + key.Value
		if !isSection(set, name) {
			errs = append(errs, located(key, applyKey(set, seen, name, key.Line, value))...)
			continue
		}
		line, twice := seen[name]
		seen[name] = key.Line
		switch {
		case twice:
			errs.add(key, fmt.Errorf("%q was given in line %d already", name, line))
		case value.Kind == yaml.MappingNode:
			errs = append(errs, applyKeys(set, seen, name+".", value.Content)...)
		case value.ShortTag() != "!!null": // nothing, or all of it a comment
			errs.add(key, fmt.Errorf("the value of %q must be a mapping of settings, whose names --help lists as %s.…", name, name))
		}
	}
	return errs
}

// isSection says whether names of flags begin with that name and a dot.
func isSection(set *pflag.FlagSet, name string) (found bool) {
	set.VisitAll(func(f *pflag.Flag) { found = found || strings.HasPrefix(f.Name, name+".") })
	return found
}

// readFile returns the keys and values of the file's mapping, in turn.
func readFile(path string) ([]*yaml.Node, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	var document yaml.Node
	decoder := yaml.NewDecoder(io.LimitReader(file, maxFile))
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil // an empty file sets nothing
	} else if err != nil {
		return nil, fmt.Errorf("%s is not YAML: %w", path, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s has more than one document, or is larger than %d bytes; allowed is one mapping of settings", path, maxFile)
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s line %d is not a mapping of settings, such as `poll-interval: 5s`", path, root.Line)
	}
	return root.Content, nil
}

// located returns the mistakes that an error of a key holds, each with its line.
func located(key *yaml.Node, err error) mistakes {
	if inside, ok := errors.AsType[mistakes](err); ok {
		return inside
	}
	if err == nil {
		return nil
	}
	return mistakes{{key.Line, err}}
}

// structured is a setting whose value is more than a text or a list.
type structured interface {
	setNode(value *yaml.Node) error
}

func applyKey(set *pflag.FlagSet, seen map[string]int, name string, at int, value *yaml.Node) error {
	flag := set.Lookup(name)
	if flag == nil || !isSetting(flag) {
		return fmt.Errorf("unknown setting %q%s", name, nearest(set, name))
	}
	if line, twice := seen[name]; twice {
		return fmt.Errorf("setting %q was given in line %d already", name, line)
	}
	seen[name] = at
	if d, ok := flag.Value.(deferred); ok {
		if s, ok := d.Value.(structured); ok {
			if flag.Changed {
				return nil // the command line comes first
			}
			return s.setNode(value)
		}
	}
	items, err := scalars(value)
	if err != nil {
		return fmt.Errorf("setting %q: %w", name, err)
	}
	if flag.Changed {
		return nil
	}
	return set.Set(name, strings.Join(items, ",")) // as a flag would be given it
}

// scalars returns the items of a list; a single value is a list of one.
func scalars(value *yaml.Node) ([]string, error) {
	if value.Kind == yaml.ScalarNode {
		return []string{value.Value}, nil
	}
	if value.Kind != yaml.SequenceNode {
		return nil, errors.New("the value must be a single value or a list of them")
	}
	items := make([]string, 0, len(value.Content))
	for _, item := range value.Content {
		if item.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: a list may only hold single values", item.Line)
		}
		items = append(items, item.Value)
	}
	return items, nil
}

// nearest suggests the setting that the unknown name is most like.
func nearest(set *pflag.FlagSet, name string) string {
	best, distance := "", len(name)/2+1
	set.VisitAll(func(f *pflag.Flag) {
		if d := editDistance(f.Name, name); d < distance && isSetting(f) {
			best, distance = f.Name, d
		}
	})
	if best == "" {
		return "; the settings are the flags that --help lists, without the dashes"
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance is the Levenshtein distance of two short words, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
