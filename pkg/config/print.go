package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// print returns the settings as the text of a file, and the hash of what that says.
func (f *Flags) print() (text, hash string) {
	root, secrets := f.top.node(false), f.top.secrets()
	for _, c := range f.clusters.list {
		secrets = append(secrets, c.section.secrets()...)
	}
	notes := ""
	for _, one := range secrets {
		notes += "# " + one + "\n"
	}
	text = encode(root) + notes
	withoutComments(root)
	sum := sha256.Sum256([]byte(encode(root) + notes))
	return text, hex.EncodeToString(sum[:8])
}

// encode returns the text of a node.
func encode(node *yaml.Node) string {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil { // there is none for what was made of texts
		return fmt.Sprintf("# %v\n", err)
	}
	return text.String()
}

func withoutComments(node *yaml.Node) {
	node.LineComment = ""
	for _, inner := range node.Content {
		withoutComments(inner)
	}
}

// node returns the settings as a mapping. In an item of a list silence is not the same as the default, so it has only what was given.
func (s *section) node(onlyGiven bool) *yaml.Node {
	root := &yaml.Node{Kind: yaml.MappingNode}
	s.set.VisitAll(func(flag *pflag.Flag) {
		from, given := s.from[flag.Name]
		if !isSetting(flag) || onlyGiven && !given {
			return
		}
		value := valueNode(flag, onlyGiven)
		if value == nil {
			return
		}
		if value.Kind == yaml.ScalarNode || value.Style == yaml.FlowStyle {
			value.LineComment = strings.ReplaceAll(from.String(), "\n", " ")
		}
		parent, name := root, flag.Name
		if at := strings.LastIndexByte(name, '.'); at >= 0 {
			parent, name = mappingAt(root, name[:at]), name[at+1:]
		}
		parent.Content = append(parent.Content, textNode(name), value)
	})
	for name := range sorted(s.from) {
		if onlyGiven && s.set.Lookup(name) == nil {
			mappingAt(root, name) // also an empty one says something
		}
	}
	return root
}

// mappingAt returns the mapping of settings whose names begin with that name and a dot.
func mappingAt(root *yaml.Node, name string) *yaml.Node {
	for part := range strings.SplitSeq(name, ".") {
		root = child(root, part)
	}
	return root
}

// child returns the mapping of that name within another.
func child(parent *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(parent.Content); i += 2 {
		if parent.Content[i].Value == name {
			return parent.Content[i+1]
		}
	}
	added := &yaml.Node{Kind: yaml.MappingNode}
	parent.Content = append(parent.Content, textNode(name), added)
	return added
}

// valueNode returns the value of a setting as it stands in a file, nil if there is none and none by default, unless it was given.
func valueNode(flag *pflag.Flag, given bool) *yaml.Node {
	if v, ok := flag.Value.(interface{ node() *yaml.Node }); ok {
		return v.node()
	}
	text := flag.Value.String()
	if (text == "" || text == "[]") && text == flag.DefValue && !given {
		return nil
	}
	switch kind, list := kindOf(flag); {
	case list:
		return listNode(textsOf(flag.Value))
	case kind == kindText:
		return textNode(text)
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: text}
}

func textNode(text string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if strings.ContainsFunc(text, unicode.IsControl) {
		node.Style = yaml.DoubleQuotedStyle // a block could not begin with a tab
	}
	return node
}

func listNode(texts []string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, text := range texts {
		node.Content = append(node.Content, textNode(text))
	}
	return node
}

// secrets says which of them come from the environment, for which a file has no place.
func (s *section) secrets() (lines []string) {
	s.set.VisitAll(func(flag *pflag.Flag) {
		if secret, ok := flag.Value.(*secretFile); ok && secret.File == "" && os.Getenv(secret.env) != "" {
			lines = append(lines, fmt.Sprintf("%s%s: instead of a file, the environment variable %s holds the secret", s.path, flag.Name, secret.env))
		}
	})
	return lines
}
