package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds what a file may grow to by its aliases.
const maxNodes = 1 << 18

// parseYAML returns the one document of a text, nil if it has none. Aliases and merge keys (<<) stand in it as what they mean.
func parseYAML(text []byte) (*yaml.Node, error) {
	var document, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxError(err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document, or what follows is not YAML; allowed is one mapping of settings")
	}
	r := resolver{left: maxNodes, open: map[*yaml.Node]bool{}}
	return r.resolve(document.Content[0])
}

// syntaxError gives an error of the parser its line, which it has in its text.
func syntaxError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	at := yaml.Node{}
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		line, message, _ := strings.Cut(rest, ": ")
		if number, err := strconv.Atoi(line); err == nil {
			at.Line, text = number, message
		}
	}
	if strings.HasPrefix(text, "unknown anchor") { // not repeated: it may be a secret that begins with *
		text = "a value without quotes begins with *, which stands for the alias of an anchor, of which there is none of that name; write it in quotes"
	}
	var errs mistakes
	errs.add(&at, "", fmt.Errorf("not YAML: %s", text))
	return errs
}

// at returns a mistake in the line of a node.
func at(node *yaml.Node, format string, args ...any) error {
	var errs mistakes
	errs.add(node, "", fmt.Errorf(format, args...))
	return errs
}

// resolver copies nodes and puts what aliases stand for in their place.
type resolver struct {
	left int                 // nodes that may still be made
	open map[*yaml.Node]bool // that are being copied
}

func (r *resolver) resolve(node *yaml.Node) (*yaml.Node, error) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if r.left--; r.left < 0 {
		return nil, at(node, "with its aliases it has more than %d values; write fewer", maxNodes)
	}
	if r.open[node] {
		return nil, at(node, "the anchor &%s holds itself; write out what it stands for", node.Anchor)
	}
	r.open[node] = true
	defer delete(r.open, node)
	copied := *node
	copied.Content, copied.Anchor = nil, ""
	var merged []*yaml.Node
	for i, child := range node.Content {
		inner, err := r.resolve(child)
		if err != nil {
			return nil, err
		}
		if node.Kind == yaml.MappingNode && i%2 == 1 && node.Content[i-1].ShortTag() == "!!merge" {
			copied.Content = copied.Content[:len(copied.Content)-1]
			if merged, err = mergeable(merged, inner); err != nil {
				return nil, err
			}
			continue
		}
		copied.Content = append(copied.Content, inner)
	}
	copied.Content = withMerged(copied.Content, merged)
	return &copied, nil
}

// mergeable adds the mappings that a merge key names.
func mergeable(merged []*yaml.Node, value *yaml.Node) ([]*yaml.Node, error) {
	all := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		all = value.Content
	}
	for _, one := range all {
		if one.Kind != yaml.MappingNode {
			return nil, at(one, "what << names is not a mapping; allowed are mappings, such as <<: *anchor")
		}
	}
	return append(merged, all...), nil
}

// withMerged adds the entries of mappings, but those only that are not there.
func withMerged(content, merged []*yaml.Node) []*yaml.Node {
	if len(merged) == 0 {
		return content
	}
	known := map[string]bool{}
	for i := 0; i+1 < len(content); i += 2 {
		known[content[i].Value] = true
	}
	for _, one := range merged {
		for i := 0; i+1 < len(one.Content); i += 2 {
			if key := one.Content[i]; !known[key.Value] {
				known[key.Value] = true
				content = append(content, key, one.Content[i+1])
			}
		}
	}
	return content
}

// The kinds of values, as JSON Schema calls them.
const (
	kindText    = "string"
	kindSwitch  = "boolean"
	kindInteger = "integer"
	kindNumber  = "number"
)

// scalar returns a single value as the text that a flag would be given. A value of another kind than the setting's is not taken for
// one: `yes`, `0x10` and `1e3` are no texts.
func scalar(value *yaml.Node, kind string) (string, error) {
	tag := value.ShortTag()
	if value.Kind != yaml.ScalarNode {
		return "", errors.New("the value must be a single value")
	}
	if tag == "!!null" {
		return "", errors.New("no value; give it one, or leave the key out")
	}
	switch kind {
	case kindText:
		if tag != "!!str" && tag != "!!timestamp" {
			return value.Value, notTextError{}
		}
		return value.Value, nil
	case kindSwitch:
		if tag != "!!bool" {
			return "", fmt.Errorf("%q is neither true nor false, which are written without quotes", value.Value)
		}
		return value.Value, nil
	}
	if tag != "!!int" && tag != "!!float" {
		return "", fmt.Errorf("%q is not a number, which is written without quotes", value.Value)
	}
	var n float64 // whatever notation it is in, and exact up to what any setting allows
	if err := value.Decode(&n); err != nil {
		return "", err
	}
	return strconv.FormatFloat(n, 'f', -1, 64), nil
}

// notTextError is a value that YAML does not take for a text. It may be what the setting does not allow in any form,
// or a password of digits: it is not repeated.
type notTextError struct{}

func (notTextError) Error() string {
	return "the value is not a text for YAML; write it in quotes"
}

// scalars returns the items of a list of texts; a single text is a list of one.
func scalars(value *yaml.Node) ([]string, error) {
	if value.Kind == yaml.ScalarNode {
		text, err := scalar(value, kindText)
		return []string{text}, err
	}
	if value.Kind != yaml.SequenceNode {
		return nil, errors.New("the value must be a single value or a list of them")
	}
	items := make([]string, 0, len(value.Content))
	for _, item := range value.Content {
		if item.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: a list may only hold single values", item.Line)
		}
		text, err := scalar(item, kindText)
		if err != nil {
			return nil, err
		}
		items = append(items, text)
	}
	return items, nil
}

// entry is one entry of a mapping.
type entry struct{ key, value *yaml.Node }

// mapping returns the entries of a mapping, which is the value of a setting. otherwise says what is wrong with a value that is none.
func mapping(node *yaml.Node, setting string, otherwise error) (entries []entry, errs mistakes) {
	if node.Kind != yaml.MappingNode {
		errs.add(node, setting, otherwise)
		return nil, errs
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if line, twice := seen[key.Value]; twice {
			errs.add(key, setting, fmt.Errorf("%q was given in line %d already", key.Value, line))
			continue
		}
		seen[key.Value] = key.Line
		entries = append(entries, entry{key, node.Content[i+1]})
	}
	return entries, errs
}
