package config

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// items is a setting whose value is a list of mappings, each with settings of its own.
type items[T any] struct {
	name   string // of the setting
	define func(set *pflag.FlagSet, one *T)
	needs  []string // the settings that each must have
	// needsOne says whether an empty list is a mistake.
	needsOne bool
	list     []item[T]
	given    bool
	broken   bool   // the list lacks some of what was given
	source   string // of the value that Set takes next
}

// item is one of them.
type item[T any] struct {
	value   *T
	section *section
	broken  bool // there are mistakes in it
}

func (i *items[T]) String() string {
	if len(i.list) == 0 {
		return ""
	}
	return fmt.Sprintf("[%d %s]", len(i.list), i.name)
}
func (i *items[T]) Type() string { return "yaml" }

// comesFrom says where the text comes from that Set is about to be given.
func (i *items[T]) comesFrom(source string) { i.source = source }

// Set takes the value as text.
func (i *items[T]) Set(text string) error {
	i.given, i.broken = true, true // until it is parsed
	return setText(text, func(value *yaml.Node) error { return i.setNode(i.source, i.name, value) })
}

// setText gives a structured setting the YAML in a text.
func setText(text string, set func(value *yaml.Node) error) error {
	value, err := parseYAML([]byte(text))
	if err != nil {
		return err
	}
	if value == nil {
		return errors.New("no value")
	}
	return set(value)
}

func (i *items[T]) setNode(source, setting string, value *yaml.Node) error {
	var errs mistakes
	i.list, i.given = nil, true
	if i.broken = value.Kind != yaml.SequenceNode; i.broken {
		errs.add(value, setting, errors.New("the value must be a list of mappings"))
		return errs
	}
	for at, one := range value.Content {
		if len(errs) > maxMistakes {
			break
		}
		path := fmt.Sprintf("%s[%d]", setting, at)
		added := item[T]{value: new(T)}
		set := i.settings(added.value)
		added.section = newSection(set, path+".")
		added.section.at = origin{source, one.Line}
		if one.Kind != yaml.MappingNode {
			i.broken = true
			errs.add(one, path, fmt.Errorf("the value must be a mapping of settings, such as {%s: …}", firstName(set)))
			continue
		}
		wrong := added.section.apply(source, one)
		added.broken = len(wrong) > 0
		errs, i.list = append(errs, wrong...), append(i.list, added)
	}
	return errs.err()
}

// settings defines those of one.
func (i *items[T]) settings(one *T) *pflag.FlagSet {
	set := pflag.NewFlagSet(i.name, pflag.ContinueOnError)
	set.SortFlags = false
	i.define(set, one)
	return set
}

func (i *items[T]) node() *yaml.Node {
	if !i.given {
		return nil
	}
	node := &yaml.Node{Kind: yaml.SequenceNode}
	for _, one := range i.list {
		node.Content = append(node.Content, one.section.node(true))
	}
	return node
}

func (i *items[T]) schema() schema {
	one := sectionSchema(i.settings(new(T)), "", true)
	one["type"], one["required"] = "object", i.needs
	for _, property := range one["properties"].(schema) {
		delete(property.(schema), "default")
	}
	all := schema{"type": "array", "items": one}
	if i.needsOne {
		all["minItems"] = 1
	}
	return all
}

// firstName returns the name of the setting that was defined first.
func firstName(set *pflag.FlagSet) (name string) {
	set.VisitAll(func(f *pflag.Flag) {
		if name == "" {
			name = f.Name
		}
	})
	return name
}
