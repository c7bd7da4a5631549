package proc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Identity names a process for good: its number is reused once it has ended,
// its number with the time of its start is not.
type Identity struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// Start is in clock ticks since the machine was booted.
	Start uint64 `json:"start"`
}

// Identify describes a running process.
func Identify(name string, pid int) (Identity, error) {
	start, _, err := stat(pid)
	if err != nil {
		return Identity{}, fmt.Errorf("identifying %s (pid %d): %w", name, pid, err)
	}
	return Identity{Name: name, PID: pid, Start: start}, nil
}

// Alive tells whether this very process still runs. A zombie does not.
func (id Identity) Alive() bool {
	start, state, err := stat(id.PID)
	return err == nil && start == id.Start && state != "Z" && state != "X"
}

// Signal sends sig to this very process, and to no other that has got its
// number since. That it has ended is no error.
func (id Identity) Signal(sig syscall.Signal) error {
	p, err := os.FindProcess(id.PID) // holds whichever process has the number now,
	if err != nil {
		return fmt.Errorf("finding %s (pid %d): %w", id.Name, id.PID, err)
	}
	defer func() { _ = p.Release() }()
	if !id.Alive() { // so that what is looked at here is what is signalled below.
		return nil
	}
	if err := p.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %v to %s (pid %d): %w", sig, id.Name, id.PID, err)
	}
	return nil
}

// stat reads the start time and the state of a process.
func stat(pid int) (start uint64, state string, err error) {
	file := fmt.Sprintf("/proc/%d/stat", pid)
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, "", err
	}
	// The second field is the program's name in parentheses, which may hold anything.
	const stateField, startField = 0, 19
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) <= startField {
		return 0, "", fmt.Errorf("%s has %d fields, fewer than expected", file, len(fields))
	}
	start, err = strconv.ParseUint(fields[startField], 10, 64)
	if err != nil {
		return 0, "", fmt.Errorf("%s: %w", file, err)
	}
	return start, fields[stateField], nil
}
