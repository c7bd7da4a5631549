package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// chartFiles are what the charts share with each other and with the programs, as a chart reads no files but its own: the templates that both
// have, and in the schemas of their values, which are written by hand but for definitions.config, that of the configuration.
func chartFiles(manifests string) (map[string][]byte, error) {
	const template = "templates/_kafka.tpl"
	shared, err := os.ReadFile(filepath.Join(manifests, "chart", template))
	if err != nil {
		return nil, fmt.Errorf("read a template: %w", err)
	}
	generated := map[string][]byte{"chart-exporter/" + template: shared}
	for chart, schema := range map[string]string{"chart": "config.schema.json", "chart-exporter": "lag-exporter.config.schema.json"} {
		name := chart + "/values.schema.json"
		content, err := withConfig(filepath.Join(manifests, name), filepath.Join(manifests, schema))
		if errors.Is(err, fs.ErrNotExist) {
			continue // not there yet
		}
		if err != nil {
			return nil, fmt.Errorf("put %s into %s: %w", schema, name, err)
		}
		generated[name] = content
	}
	return generated, nil
}

// withConfig returns the schema of values with the configuration's at definitions.config.
func withConfig(valuesFile, configFile string) ([]byte, error) {
	values, err := readObject(valuesFile)
	if err != nil {
		return nil, err
	}
	config, err := readObject(configFile)
	if err != nil {
		return nil, err
	}
	definitions, ok := values["definitions"].(map[string]any)
	if !ok {
		return nil, errors.New("the schema of the values has no definitions")
	}
	// Those of a document; and what has to be set, for brokers may come from the value of that name, and the template looks after it.
	for _, keyword := range []string{"$schema", "$id", "required", "anyOf"} {
		delete(config, keyword)
	}
	definitions["config"] = moved(config, "#/definitions/config/")
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(values)
	return text.Bytes(), err
}

// moved lets references within a schema lead to where it is put.
func moved(node any, to string) any {
	switch n := node.(type) {
	case map[string]any:
		for key, value := range maps.Clone(n) {
			if ref, ok := value.(string); ok && key == "$ref" {
				n[key] = strings.Replace(ref, "#/", to, 1)
			} else {
				n[key] = moved(value, to)
			}
		}
	case []any:
		for i := range n {
			n[i] = moved(n[i], to)
		}
	}
	return node
}

func readObject(path string) (map[string]any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return object, nil
}
