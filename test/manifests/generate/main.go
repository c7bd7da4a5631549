// Command generate puts into the Helm charts what they share with each other and with the rest of the manifests, as a chart can read no file
// outside its folder: the schema of the programs' configuration into that of the values, the alerting rules, and the templates that both have.
//
// The schemas of the values are written by hand but for definitions.config.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate MANIFESTS")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(manifests string) error {
	in := func(path ...string) string { return filepath.Join(append([]string{manifests}, path...)...) }
	return errors.Join(
		present(embedSchema(in("config.schema.json"), in("chart", "values.schema.json"))),
		present(embedSchema(in("config.schema.json"), in("chart-exporter", "values.schema.json"))),
		copyFile(in("chart", "templates", "_kafka.tpl"), in("chart-exporter", "templates", "_kafka.tpl")),
		present(copyFile(in("prometheus", "rules.yaml"), in("chart", "files", "rules.yaml"))),
	)
}

// present drops the error of a source that is not there yet.
func present(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// embedSchema replaces definitions.config of a schema of values.
func embedSchema(from, into string) error {
	config, err := readJSON(from)
	if err != nil {
		return err
	}
	values, err := readJSON(into)
	if err != nil {
		return err
	}
	definitions, ok := values["definitions"].(map[string]any)
	if !ok {
		return fmt.Errorf("%s has no definitions", into)
	}
	for _, ofDocument := range []string{"$schema", "$id"} {
		delete(config, ofDocument)
	}
	// The brokers may come from the value of that name: the template sees to it that there are some.
	delete(config, "required")
	delete(config, "anyOf")
	delete(config, "oneOf")
	definitions["config"] = moved(config, "#/definitions/config/")
	return writeJSON(into, values)
}

// moved lets references within a schema lead to where it is embedded.
func moved(node any, to string) any {
	switch n := node.(type) {
	case map[string]any:
		for key, value := range n {
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

func copyFile(from, into string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(into), 0o755); err != nil {
		return err
	}
	return os.WriteFile(into, text, 0o644)
}

func readJSON(path string) (map[string]any, error) {
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

func writeJSON(path string, object map[string]any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(object); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}
