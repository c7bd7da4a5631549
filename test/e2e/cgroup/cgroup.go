// Package cgroup bounds the CPU time and the memory of processes, as a container's requests and limits do. Linux only, and as root.
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

// Group is a control group.
type Group struct {
	dir, parent string
}

// CPU is a control group whose processes together have so much CPU time and no more.
type CPU struct{ *Group }

// NewCPU makes a group, in thousandths of a CPU.
func NewCPU(name string, millis int) (CPU, error) {
	quota := time.Duration(millis) * period / 1000
	group, err := newGroup("cpu", name,
		map[string]string{"cpu.max": fmt.Sprintf("%d %d", quota.Microseconds(), period.Microseconds())},
		map[string]string{"cpu.cfs_period_us": strconv.FormatInt(period.Microseconds(), 10), "cpu.cfs_quota_us": strconv.FormatInt(quota.Microseconds(), 10)})
	return CPU{group}, err
}

// NewMemory makes a group whose processes together have so many bytes: the kernel ends one of them when they want more.
func NewMemory(name string, bytes int64) (*Group, error) {
	limit := strconv.FormatInt(bytes, 10)
	return newGroup("memory", name, map[string]string{"memory.max": limit}, map[string]string{"memory.limit_in_bytes": limit})
}

// NewShare makes a group whose processes together have so many hundredths of the CPU time of a group that nobody has set, where all want
// more than there is, and all that is left otherwise. Processes in no group are one such group for each session that they are of, where the
// kernel has autogroup on, else each of their threads is.
func NewShare(name string, percent int) (*Group, error) {
	return newGroup("cpu", name, map[string]string{"cpu.weight": strconv.Itoa(percent)}, map[string]string{"cpu.shares": strconv.Itoa(1024 * percent / 100)})
}

// newGroup makes a group by cgroup v2 where that has the controller, else by v1. The files have the limits.
func newGroup(controller, name string, v2, v1 map[string]string) (*Group, error) {
	g, limits := &Group{parent: root}, v2
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); errors.Is(err, fs.ErrNotExist) {
		g.parent, limits = filepath.Join(root, controller), v1
	} else if err := os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+"+controller), 0); err != nil {
		return nil, explain(controller, err)
	}
	g.dir = filepath.Join(g.parent, fmt.Sprintf("%s-%d", name, os.Getpid()))
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, explain(controller, err)
	}
	for file, text := range limits {
		if err := os.WriteFile(filepath.Join(g.dir, file), []byte(text), 0); err != nil {
			return nil, errors.Join(explain(controller, err), g.Close())
		}
	}
	return g, nil
}

func explain(controller string, err error) error {
	return fmt.Errorf("bounding a process: %w\nIt takes root, and a writable %s with the controller %s", err, root, controller)
}

// Add moves a process into the group, with all its threads.
func (g *Group) Add(pid int) error { return move(pid, g.dir) }

// Enter is a command that goes into the group and becomes the one whose words follow.
func (g *Group) Enter() []string {
	return []string{"/bin/sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(g.dir, processes)}
}

const processes = "cgroup.procs"

func move(pid int, dir string) error {
	return os.WriteFile(filepath.Join(dir, processes), []byte(strconv.Itoa(pid)), 0)
}

// Throttled is in how many of its periods the group had to wait for the next one.
func (c CPU) Throttled() (throttled, all int, err error) {
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
func (g *Group) Close() error {
	procs, err := os.ReadFile(filepath.Join(g.dir, processes))
	for _, field := range strings.Fields(string(procs)) {
		pid, bad := strconv.Atoi(field)
		err = errors.Join(err, bad, move(pid, g.parent))
	}
	return errors.Join(err, os.Remove(g.dir))
}
