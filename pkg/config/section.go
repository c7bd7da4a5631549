package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// section is a set of settings, and where each has its value from.
type section struct {
	set  *pflag.FlagSet
	path string // before the names in mistakes, such as "clusters[0]."
	// from says where a setting comes from; also a mapping of settings, such as kafka.tls, if there is one in a file.
	from map[string]origin
	at   origin // of the section itself, if it is an item of a list
	// common, if set, has what this one lacks.
	common *section
}

// origin is where a value comes from.
type origin struct {
	source string // as in Mistake
	line   int    // 0 if the source is one value
}

func newSection(set *pflag.FlagSet, path string) *section {
	return &section{set: set, path: path, from: map[string]origin{}}
}

// has says whether the setting, or any within the mapping of that name, was given.
func (s *section) has(name string) bool {
	for given := range s.from {
		if given == name || strings.HasPrefix(given, name+".") {
			return true
		}
	}
	return false
}

// origin returns where the value of a setting comes from, and whether it is the section's own.
func (s *section) origin(setting string) (from origin, own bool) {
	from, own = s.from[setting]
	if !own && s.common != nil && !s.hasTogether(setting) {
		from = s.common.from[setting]
	}
	return from, own
}

// hasTogether says whether any setting was given that is taken or given together with this one.
func (s *section) hasTogether(setting string) bool {
	for _, whole := range []string{settingTLS, settingSASL} {
		if strings.HasPrefix(setting, whole+".") {
			return s.has(whole)
		}
	}
	return false
}

// reset empties a list, so that what follows replaces it.
func reset(value pflag.Value) {
	switch v := value.(type) {
	case interface{ reset() }:
		v.reset()
	case pflag.SliceValue:
		_ = v.Replace(nil) // which fails for items only
	}
}

// put gives a setting a text, in the place of what it has from a source that counts for less.
func (s *section) put(flag *pflag.Flag, from origin, text string) error {
	if known, ok := s.from[flag.Name]; !ok || known != from {
		reset(flag.Value)
	}
	s.from[flag.Name], flag.Changed = from, true
	if v, ok := flag.Value.(interface{ comesFrom(source string) }); ok {
		v.comesFrom(from.source)
	}
	return flag.Value.Set(text)
}

// apply sets the settings that are named by the keys of a mapping. A setting whose name has dots may be written as a mapping within a
// mapping: `kafka: {tls: {enabled: true}}` is kafka.tls.enabled.
func (s *section) apply(source string, settings *yaml.Node) mistakes {
	return s.applyKeys(source, map[string]int{}, "", settings)
}

// applyKeys applies a mapping within the settings. seen holds the lines of the names so far.
func (s *section) applyKeys(source string, seen map[string]int, prefix string, settings *yaml.Node) (errs mistakes) {
	for i := 0; i+1 < len(settings.Content) && len(errs) <= maxMistakes; i += 2 {
		key, value := settings.Content[i], settings.Content[i+1]
		name := prefix + key.Value
		line, twice := seen[name]
		seen[name] = key.Line
		switch flag := s.lookup(name); {
		case flag == nil && !isSection(s.set, name):
			errs.add(key, "", fmt.Errorf("unknown setting %q%s", s.path+name, nearest(s.set, s.path, name)))
		case twice:
			errs.add(key, "", fmt.Errorf("%q was given in line %d already", s.path+name, line))
		case flag != nil:
			s.from[name], flag.Changed = origin{source, key.Line}, true
			errs.addAll(key, s.path+name, s.setNode(source, flag, value))
		case value.Kind == yaml.MappingNode:
			s.from[name] = origin{source, key.Line}
			errs = append(errs, s.applyKeys(source, seen, name+".", value)...)
		case value.ShortTag() != "!!null": // nothing, or all of it a comment
			errs.add(key, s.path+name, fmt.Errorf("the value must be a mapping of settings, whose names --help lists as %s.…", name))
		}
	}
	return errs
}

// lookup returns the flag of a setting, nil if there is none.
func (s *section) lookup(name string) *pflag.Flag {
	flag := s.set.Lookup(name)
	if flag == nil || !isSetting(flag) {
		return nil
	}
	return flag
}

// isSection says whether names of settings begin with that name and a dot.
func isSection(set *pflag.FlagSet, name string) (found bool) {
	set.VisitAll(func(f *pflag.Flag) { found = found || strings.HasPrefix(f.Name, name+".") })
	return found
}

// structured is a setting whose value is more than a text or a list. It takes the value as it stands in a file, under the name of
// the setting in mistakes.
type structured interface {
	setNode(source, setting string, value *yaml.Node) error
}

// setNode gives a setting its value from a file.
func (s *section) setNode(source string, flag *pflag.Flag, value *yaml.Node) error {
	if v, ok := flag.Value.(structured); ok {
		return v.setNode(source, s.path+flag.Name, value)
	}
	kind, list := kindOf(flag)
	if list && value.Kind != yaml.ScalarNode {
		return setList(flag.Value, s.path+flag.Name, value)
	}
	text, err := scalar(value, kind)
	reset(flag.Value)
	return setScalar(flag.Value, text, err)
}

// setScalar gives a setting the text that scalar has returned. What no quotes would make right is the mistake.
func setScalar(to pflag.Value, text string, err error) error {
	if _, isNoText := errors.AsType[notTextError](err); err != nil && !isNoText {
		return err
	}
	return firstOf(to.Set(text), err)
}

// firstOf returns the first error that is one.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// setList gives a list its items.
func setList(to pflag.Value, setting string, value *yaml.Node) error {
	var errs mistakes
	if value.Kind != yaml.SequenceNode {
		return errors.New("the value must be a single value or a list of them")
	}
	reset(to)
	for _, item := range value.Content {
		text, err := scalar(item, kindText)
		if slice, ok := to.(pflag.SliceValue); !ok {
			err = setScalar(to, text, err)
		} else if err == nil {
			err = slice.Append(text) // as it is, commas and all
		}
		if err != nil {
			errs.add(item, setting, err)
		}
	}
	return errs.err()
}

// nearest suggests the setting that the unknown name is most like.
func nearest(set *pflag.FlagSet, path, name string) string {
	var names []string
	set.VisitAll(func(f *pflag.Flag) {
		if isSetting(f) {
			names = append(names, f.Name)
			for at, letter := range f.Name {
				if letter == '.' {
					names = append(names, f.Name[:at])
				}
			}
		}
	})
	best := nearestOf(names, name)
	if best == "" {
		return "; the settings are the flags that --help lists, without the dashes"
	}
	return fmt.Sprintf("; did you mean %q?", path+best)
}

// maxNearest is the length, in bytes, from which on a name is like none.
const maxNearest = 100

// nearestOf returns the one of the names that another is most like, empty if it is like none.
func nearestOf(names []string, name string) string {
	if len(name) > maxNearest {
		return ""
	}
	best, distance := "", len(name)/2+1
	for _, one := range names {
		if d := editDistance(one, name); d < distance {
			best, distance = one, d
		}
	}
	return best
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
