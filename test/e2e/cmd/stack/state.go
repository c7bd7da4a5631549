package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// stateFile is the path of the file by which up, serve and down know of each
// other.
type stateFile string

// state is what serve writes there.
type state struct {
	Server    proc.Identity   `json:"server"`
	Ready     bool            `json:"ready"`
	Processes []proc.Identity `json:"processes"` // of the stack, once it is ready
	Guide     string          `json:"guide"`     // how to reach it
}

// read returns the state; none where nothing was started.
func (f stateFile) read() (*state, error) {
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("reading %s: %w", f, err)
	}
	return &s, nil
}

// write replaces the state in one step: a reader sees the old one or the new.
func (f stateFile) write(s state) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	next := string(f) + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, string(f))
}

func (f stateFile) remove() error {
	if err := os.Remove(string(f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
