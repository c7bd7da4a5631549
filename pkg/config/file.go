package config

import (
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds what is read of a configuration file, in bytes.
const maxFile = 1 << 20

// readFile returns the file's mapping, nil if it has none.
func readFile(path string) (*yaml.Node, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("it is larger than the %d bytes that are allowed", maxFile)
	}
	root, err := parseYAML(text)
	switch {
	case err != nil:
		return nil, err
	case root == nil || root.ShortTag() == "!!null": // an empty file sets nothing
		return nil, nil
	case root.Kind != yaml.MappingNode:
		return nil, at(root, "not a mapping of settings, such as `poll-interval: 5s`")
	}
	return root, nil
}
