package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// Grant is what a namespace is granted: the consumer groups that any of the three names.
type Grant struct {
	Names    []string
	Prefixes []string
	Patterns []*regexp.Regexp // each matches whole names
}

// AddNamespaces defines the setting namespaces, which grants consumer groups to namespaces. Granted stays nil if it is not set.
func AddNamespaces(set *pflag.FlagSet, granted *map[string]Grant) {
	set.Var(&namespaces{granted}, "namespaces", "Consumer groups that are granted to namespaces, as YAML; easier to write in the file. For example: "+
		"{team-a: {groups: [orders], group-prefixes: [team-a.], group-patterns: ['pay-(eu|us)']}}.")
}

// The keys of a grant.
const (
	keyGroups   = "groups"
	keyPrefixes = "group-prefixes"
	keyPatterns = "group-patterns"
)

// namespaces is the value of the setting: a mapping of namespaces to grants.
type namespaces struct{ granted *map[string]Grant }

// String says only whether there are any: the value has no short form, and the default is none.
func (n *namespaces) String() string {
	if n.granted == nil || *n.granted == nil {
		return ""
	}
	return fmt.Sprintf("{%d namespaces}", len(*n.granted))
}
func (n *namespaces) Type() string { return "yaml" }

// Set takes the value as text.
func (n *namespaces) Set(text string) error {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return fmt.Errorf("not YAML: %w", err)
	}
	if len(document.Content) == 0 {
		return errNoNamespaces
	}
	return n.setNode(document.Content[0])
}

var errNoNamespaces = errors.New("the value must be a mapping of namespaces to what they are granted, such as {team-a: {groups: [orders]}}")

// setNode takes the value as it stands in a file.
func (n *namespaces) setNode(value *yaml.Node) error {
	all, errs := mapping(value, errNoNamespaces)
	granted := make(map[string]Grant, len(all))
	for _, one := range all {
		if !isLabel(one.key.Value) {
			errs.add(one.key, fmt.Errorf("%q is no name of a namespace; allowed are up to 63 of a-z, 0-9 and -, the first and last no -", one.key.Value))
		}
		grant, mistakes := parseGrant(one.key, one.value)
		errs = append(errs, mistakes...)
		granted[one.key.Value] = grant
	}
	*n.granted = granted
	return errs.err()
}

// parseGrant reads what the namespace of that key is granted.
func parseGrant(namespace, value *yaml.Node) (grant Grant, errs mistakes) {
	all, errs := mapping(value, fmt.Errorf("namespace %q: the value must be a mapping of %s, %s or %s to lists of them", namespace.Value, keyGroups, keyPrefixes, keyPatterns))
	for _, one := range all {
		names, err := texts(one.value)
		switch one.key.Value {
		case keyGroups:
			grant.Names = names
		case keyPrefixes:
			grant.Prefixes = names
		case keyPatterns:
			for _, name := range names {
				var compiled *regexp.Regexp
				err = errors.Join(err, (&pattern{&compiled}).Set(name))
				grant.Patterns = append(grant.Patterns, compiled)
			}
		default:
			err = fmt.Errorf("it is unknown; allowed are %s, %s and %s", keyGroups, keyPrefixes, keyPatterns)
		}
		if err != nil {
			errs.add(one.key, fmt.Errorf("namespace %q, key %q: %w", namespace.Value, one.key.Value, err))
		}
	}
	if len(all) == 0 && len(errs) == 0 {
		errs.add(namespace, fmt.Errorf("namespace %q is granted nothing; leave it out, or give it %s, %s or %s", namespace.Value, keyGroups, keyPrefixes, keyPatterns))
	}
	return grant, errs
}

// texts returns the items of a list, of which there must be some, and none of them empty.
func texts(value *yaml.Node) ([]string, error) {
	items, err := scalars(value)
	empty := func(item *yaml.Node) bool { return item.Value == "" || item.ShortTag() == "!!null" }
	if err == nil && (len(items) == 0 || value.Kind == yaml.ScalarNode && empty(value) || slices.ContainsFunc(value.Content, empty)) {
		err = errors.New("the value must be one text or a list of them, none of them empty")
	}
	if err != nil {
		return nil, err
	}
	return items, nil
}

// isLabel says whether a namespace can have that name.
func isLabel(name string) bool {
	const inner = "abcdefghijklmnopqrstuvwxyz0123456789-"
	return name != "" && len(name) <= 63 && strings.Trim(name, inner) == "" && name == strings.Trim(name, "-")
}

// entry is one entry of a mapping.
type entry struct{ key, value *yaml.Node }

// mapping returns the entries of a mapping. otherwise says what is wrong with a value that is none.
func mapping(node *yaml.Node, otherwise error) (entries []entry, errs mistakes) {
	if node.Kind != yaml.MappingNode {
		errs.add(node, otherwise)
		return nil, errs
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if line, twice := seen[key.Value]; twice {
			errs.add(key, fmt.Errorf("%q was given in line %d already", key.Value, line))
			continue
		}
		seen[key.Value] = key.Line
		entries = append(entries, entry{key, node.Content[i+1]})
	}
	return entries, errs
}

// mistakes are errors that know where in a file they are.
type mistakes []mistake

type mistake struct {
	line int
	err  error
}

func (m *mistakes) add(at *yaml.Node, err error) { *m = append(*m, mistake{at.Line, err}) }

// err returns nil if there are none.
func (m mistakes) err() error {
	if len(m) == 0 {
		return nil
	}
	return m
}

func (m mistakes) Error() string {
	texts := make([]string, len(m))
	for i, one := range m {
		texts[i] = fmt.Sprintf("line %d: %v", one.line, one.err)
	}
	return strings.Join(texts, "; ")
}
