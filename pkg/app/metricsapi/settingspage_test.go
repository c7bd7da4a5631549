package metricsapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

//go:generate go test . -run ^TestSettingsPage$ -update

const (
	settingsPage = root + "docs/configuration.md"
	settingsHead = "## Settings\n\nGenerated from the programs (`make generate`).\n"
)

// TestSettingsPage holds the last part of the page, the tables of settings, to the schemas and so to the flags.
func TestSettingsPage(t *testing.T) {
	current, err := os.ReadFile(settingsPage)
	if err != nil {
		t.Fatal(err)
	}
	byHand, _, _ := strings.Cut(string(current), settingsHead)
	page := byHand + settingsHead + tables(t)
	if *update {
		if err := os.WriteFile(settingsPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(current) != page {
		t.Errorf("%s is not current; run make generate", settingsPage)
	}
}

// described is a part of a JSON Schema.
type described struct {
	Description string
	Default     json.RawMessage
	Type        any
	Enum        []string
	Pattern     string
	MaxLength   int
	Properties  map[string]described
	Items       *described
}

func tables(t *testing.T) string {
	t.Helper()
	read := func(path string) (d described) {
		text, err := os.ReadFile(root + path)
		if err == nil {
			err = json.Unmarshal(text, &d)
		}
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	adapter, exporter := read("manifests/config.schema.json"), read("manifests/lag-exporter.config.schema.json")
	both := rowsOf(exporter, "", nil)
	return "\n### Both programs\n\nThe settings of `kafka` and those that begin with `group-` and `topic-` are each cluster's, too, besides its `name`.\n" + table(both) +
		"\n### Of each of `groups`\n" + table(rowsOf(*exporter.Properties["groups"].Items, "", nil)) +
		"\n### lag-adapter alone\n\nMost of these are the API server library's.\n" + table(rowsOf(adapter, "", both))
}

func table(rows map[string]string) string {
	text := "\n| setting | value | default | meaning |\n| --- | --- | --- | --- |\n"
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		text += rows[name]
	}
	return text
}

// rowsOf returns a row for each setting that others lack.
func rowsOf(d described, prefix string, others map[string]string) map[string]string {
	rows := map[string]string{}
	for name, property := range d.Properties {
		if strings.Contains(name, ".") {
			continue // the other way to write it
		}
		maps.Copy(rows, rowsOf(property, prefix+name+".", nil))
		if property.Description != "" {
			rows[prefix+name] = fmt.Sprintf("| `%s` | %s | %s | %s |\n", prefix+name, property.value(), property.byDefault(), property.meaning())
		}
	}
	maps.DeleteFunc(rows, func(name, _ string) bool { _, is := others[name]; return is })
	return rows
}

func (d described) value() string {
	switch {
	case d.Enum != nil:
		return "`" + strings.Join(d.Enum, "`, `") + "`"
	case strings.Contains(d.Pattern, "ms|s|m|h"):
		return "duration"
	case d.MaxLength > 0:
		return "pattern"
	}
	switch kind := d.Type.(type) {
	case string:
		return map[string]string{"string": "text", "boolean": "switch", "integer": "number", "number": "number", "array": "list of mappings", "object": "mapping"}[kind]
	default:
		return "list"
	}
}

func (d described) byDefault() string {
	if d.Default == nil {
		return ""
	}
	return "`" + strings.Trim(string(d.Default), `"`) + "`"
}

// maxMeaning is from where on only the first sentence of a text is shown: some of the API server library's run to pages.
const maxMeaning = 450

func (d described) meaning() string {
	text := strings.Join(strings.Fields(d.Description), " ")
	if len(text) > maxMeaning {
		text, _, _ = strings.Cut(text, ". ")
		text = strings.TrimSuffix(text, ".") + "."
	}
	return strings.NewReplacer("|", `\|`, "<", `\<`).Replace(text)
}
