// Package layout knows where in the repository the tests find what they run,
// and where they leave their files.
package layout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Layout is a checkout of the repository.
type Layout struct {
	Root string
}

// Find looks for the checkout around the working directory.
func Find() (Layout, error) {
	start, err := os.Getwd()
	if err != nil {
		return Layout{}, err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		_, err := os.Stat(filepath.Join(dir, "test", "e2e", "go.mod"))
		if err == nil {
			return Layout{Root: dir}, nil
		}
		if dir == filepath.Dir(dir) {
			return Layout{}, fmt.Errorf("%s is not inside a checkout of kafka-lag-adapter", start)
		}
	}
}

// Tool is a program that test/e2e/build.sh builds.
func (l Layout) Tool(name string) string { return filepath.Join(l.Root, ".cache", "bin", name) }

// Product is one of the product's programs.
func (l Layout) Product(name string) string { return filepath.Join(l.Root, "bin", name) }

// KafkaLibs is the folder of Kafka's jars.
func (l Layout) KafkaLibs() string { return filepath.Join(l.Root, ".cache", "kafka", "libs") }

// OldKafkaLibs is the folder of the jars of an older Kafka: 2.8 or 3.3.
func (l Layout) OldKafkaLibs(version string) string {
	return filepath.Join(l.Root, ".cache", "kafka-"+version, "libs")
}

// KafkaJS is the folder of the modules of KafkaJS.
func (l Layout) KafkaJS() string { return filepath.Join(l.Root, ".cache", "kafkajs", "node_modules") }

// KwokConfig is the life of kwok's nodes and pods.
func (l Layout) KwokConfig() string { return filepath.Join(l.Root, ".cache", "kwok.yaml") }

// Manifests are the product's manifests.
func (l Layout) Manifests() string { return filepath.Join(l.Root, "manifests") }

// NewRun makes a folder for the files of one run of a kind (test, stack). Those of
// earlier runs of the kind go, unless their process still runs.
func (l Layout) NewRun(kind string) (string, error) {
	parent := filepath.Join(l.Root, ".cache", "run")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	earlier, err := filepath.Glob(filepath.Join(parent, kind+"-*"))
	if err != nil {
		return "", err
	}
	for _, dir := range earlier {
		pid := strings.TrimPrefix(filepath.Base(dir), kind+"-")
		if _, err := os.Stat(filepath.Join("/proc", pid)); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err := os.RemoveAll(dir); err != nil {
			return "", fmt.Errorf("removing an earlier run: %w", err)
		}
	}
	dir := filepath.Join(parent, kind+"-"+strconv.Itoa(os.Getpid()))
	return dir, os.MkdirAll(dir, 0o755)
}
