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
	return setText(text, func(value *yaml.Node) error { return n.setNode("", "namespaces", value) })
}

var errNoNamespaces = errors.New("the value must be a mapping of namespaces to what they are granted, such as {team-a: {groups: [orders]}}")

// setNode takes the value as it stands in a file.
func (n *namespaces) setNode(_, setting string, value *yaml.Node) error {
	all, errs := mapping(value, setting, errNoNamespaces)
	granted := make(map[string]Grant, len(all))
	for _, one := range all {
		name := setting + "." + one.key.Value
		if !isLabel(one.key.Value) {
			errs.add(one.key, name, fmt.Errorf("%q is no name of a namespace; allowed are up to 63 of a-z, 0-9 and -, the first and last no -", one.key.Value))
		}
		grant, mistakes := parseGrant(name, one.key, one.value)
		errs = append(errs, mistakes...)
		granted[one.key.Value] = grant
	}
	*n.granted = granted
	return errs.err()
}

func (n *namespaces) node() *yaml.Node {
	if *n.granted == nil {
		return nil
	}
	node := &yaml.Node{Kind: yaml.MappingNode}
	for namespace, grant := range sorted(*n.granted) {
		patterns := make([]string, len(grant.Patterns))
		for i := range grant.Patterns {
			patterns[i] = (&pattern{&grant.Patterns[i]}).String()
		}
		of := &yaml.Node{Kind: yaml.MappingNode}
		for _, one := range []struct {
			key   string
			names []string
		}{{keyGroups, grant.Names}, {keyPrefixes, grant.Prefixes}, {keyPatterns, patterns}} {
			if len(one.names) > 0 {
				of.Content = append(of.Content, textNode(one.key), listNode(one.names))
			}
		}
		node.Content = append(node.Content, textNode(namespace), of)
	}
	return node
}

func (n *namespaces) schema() schema {
	name := schema{"type": kindText, "minLength": 1}
	names := schema{"anyOf": []schema{name, {"type": "array", "minItems": 1, "items": name}}}
	grant := schema{"type": "object", "minProperties": 1, "additionalProperties": false, "properties": schema{keyGroups: names, keyPrefixes: names, keyPatterns: names}}
	return schema{"type": "object", "propertyNames": schema{"pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}, "additionalProperties": grant}
}

// parseGrant reads what the namespace of that key is granted.
func parseGrant(setting string, namespace, value *yaml.Node) (grant Grant, errs mistakes) {
	keys := []string{keyGroups, keyPrefixes, keyPatterns}
	all, errs := mapping(value, setting, fmt.Errorf("the value must be a mapping of %s, %s or %s to lists of them", keyGroups, keyPrefixes, keyPatterns))
	for _, one := range all {
		if !slices.Contains(keys, one.key.Value) {
			hint := fmt.Sprintf("; allowed are %s", strings.Join(keys, ", "))
			if best := nearestOf(keys, one.key.Value); best != "" {
				hint = fmt.Sprintf("; did you mean %q?", setting+"."+best)
			}
			errs.add(one.key, "", fmt.Errorf("unknown setting %q%s", setting+"."+one.key.Value, hint))
			continue
		}
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
		}
		if err != nil {
			errs.add(one.key, setting+"."+one.key.Value, err)
		}
	}
	if len(all) == 0 && len(errs) == 0 {
		errs.add(namespace, setting, fmt.Errorf("it is granted nothing; leave it out, or give it %s, %s or %s", keyGroups, keyPrefixes, keyPatterns))
	}
	return grant, errs
}

// texts returns the items of a list, of which there must be some, and none of them empty.
func texts(value *yaml.Node) ([]string, error) {
	items, err := scalars(value)
	empty := func(item *yaml.Node) bool { return item.Value == "" || item.ShortTag() == "!!null" }
	if value.Kind == yaml.ScalarNode && empty(value) || value.Kind == yaml.SequenceNode && (len(value.Content) == 0 || slices.ContainsFunc(value.Content, empty)) {
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
