package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// socket is a line of the kernel's tables of TCP sockets.
type socket struct{ remote, state, inode string }

// States of sockets.
const (
	established = "01"
	listening   = "0A"
)

// Connections are the sockets by which a process is connected to some ports of this machine, by their inodes.
func Connections(pid int, ports ...int) (map[string]bool, error) {
	all, err := sockets(pid)
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool)
	for _, s := range all {
		if s.state == established && slices.ContainsFunc(ports, func(port int) bool { return strings.HasSuffix(s.remote, fmt.Sprintf(":%04X", port)) }) {
			found[s.inode] = true
		}
	}
	return found, nil
}

// CountConnections counts all TCP connections of a process, whoever made them, also those that only one side has closed.
func CountConnections(pid int) (n int, err error) {
	all, err := sockets(pid)
	for _, s := range all {
		if s.state != listening {
			n++
		}
	}
	return n, err
}

// sockets are the TCP sockets of a process.
func sockets(pid int) (all []socket, err error) {
	ours, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return nil, err
	}
	open := make(map[string]bool)
	for _, fd := range ours {
		if target, err := os.Readlink(fd); err == nil { // else it was closed meanwhile
			open[target] = true
		}
	}
	const remote, state, inode = 2, 3, 9 // columns
	for _, version := range []string{"tcp", "tcp6"} {
		table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, version))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(table)) {
			if column := strings.Fields(line); len(column) > inode && open["socket:["+column[inode]+"]"] {
				all = append(all, socket{column[remote], column[state], column[inode]})
			}
		}
	}
	return all, nil
}
