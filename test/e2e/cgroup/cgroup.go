// Package cgroup bounds the CPU time of processes, as a container's limit does. Linux only, and as root.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	root   = "/sys/fs/cgroup"
	period = 100 * time.Millisecond // the kernel's and the kubelet's default
)

// CPU is a control group whose processes together have so much CPU time and no more.
type CPU struct {
	dir, parent string
}

// NewCPU makes a group, in thousandths of a CPU: by cgroup v2 where that has the controller, else by v1.
func NewCPU(name string, millis int) (*CPU, error) {
	quota := time.Duration(millis) * period / 1000
	c := &CPU{parent: root}
	limit := map[string]string{"cpu.max": fmt.Sprintf("%d %d", quota.Microseconds(), period.Microseconds())}
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); errors.Is(err, fs.ErrNotExist) {
		c.parent = filepath.Join(root, "cpu")
		limit = map[string]string{"cpu.cfs_period_us": strconv.FormatInt(period.Microseconds(), 10), "cpu.cfs_quota_us": strconv.FormatInt(quota.Microseconds(), 10)}
	} else if err := os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+cpu"), 0); err != nil {
		return nil, explain(err)
	}
	c.dir = filepath.Join(c.parent, fmt.Sprintf("%s-%d", name, os.Getpid()))
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		return nil, explain(err)
	}
	for file, text := range limit {
		if err := os.WriteFile(filepath.Join(c.dir, file), []byte(text), 0); err != nil {
			return nil, errors.Join(explain(err), c.Close())
		}
	}
	return c, nil
}

func explain(err error) error {
	return fmt.Errorf("bounding CPU time: %w\nIt takes root, and a writable /sys/fs/cgroup with the controller cpu", err)
}

// Add moves a process into the group, with all its threads.
func (c *CPU) Add(pid int) error { return move(pid, c.dir) }

func move(pid int, dir string) error {
	return os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
}

// Throttled is in how many of its periods the group had to wait for the next one.
func (c *CPU) Throttled() (throttled, all int, err error) {
	text, err := os.ReadFile(filepath.Join(c.dir, "cpu.stat"))
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, bad := strconv.Atoi(value)
		switch name {
		case "nr_throttled":
			throttled, err = n, errors.Join(err, bad)
		case "nr_periods":
			all, err = n, errors.Join(err, bad)
		}
	}
	return throttled, all, err
}

// Close frees the processes and removes the group.
func (c *CPU) Close() error {
	procs, err := os.ReadFile(filepath.Join(c.dir, "cgroup.procs"))
	for _, field := range strings.Fields(string(procs)) {
		pid, bad := strconv.Atoi(field)
		err = errors.Join(err, bad, move(pid, c.parent))
	}
	return errors.Join(err, os.Remove(c.dir))
}
