package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Connections are the sockets by which a process is connected to some ports of this machine, by their inodes.
func Connections(pid int, ports ...int) (map[string]bool, error) {
	table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", pid))
	if err != nil {
		return nil, err
	}
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
	var ends []string
	for _, port := range ports {
		ends = append(ends, fmt.Sprintf(":%04X", port))
	}
	found := make(map[string]bool)
	const remote, state, inode, established = 2, 3, 9, "01" // columns
	for line := range strings.Lines(string(table)) {
		column := strings.Fields(line)
		if len(column) <= inode || column[state] != established || !open["socket:["+column[inode]+"]"] {
			continue
		}
		if slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(column[remote], end) }) {
			found[column[inode]] = true
		}
	}
	return found, nil
}
