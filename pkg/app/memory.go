package app

import (
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// limitMemory has the garbage collector work harder before the program is killed for its memory: Go knows a container's limit of CPU
// time, not that of memory. What the environment says in GOMEMLIMIT counts before it.
func limitMemory(root fs.FS) {
	if limit := memoryOf(root); limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(MemoryGoal(limit))
	}
}

// MemoryGoal is what the Go runtime is to stay within, where the kernel allows that many bytes: the program's own pages, and what the
// kernel holds for its connections, count there too.
func MemoryGoal(limit int64) int64 { return limit / 10 * 9 }

// memoryOf is how many bytes the program's control group and all that it is in allow, zero if there is no limit. Within a container
// the group's path is often of the host, and what is mounted is the group itself: a folder that is not there says nothing.
func memoryOf(root fs.FS) (least int64) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0 // not on Linux
	}
	for line := range strings.Lines(string(groups)) { // hierarchy-ID:controllers:path, see cgroups(7)
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		mount, file := "sys/fs/cgroup", "memory.max"
		if fields[1] != "" {
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
			if !slices.Contains(strings.Split(fields[1], ","), "memory") {
				continue
			}
		}
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			if limit := bytesIn(root, path.Join(mount, group, file)); limit > 0 && (least == 0 || limit < least) {
				least = limit
			}
			if group == "/" {
				break
			}
		}
	}
	return least
}

// bytesIn is what a file of a control group says, zero if that is no limit.
func bytesIn(root fs.FS, name string) int64 {
	const unlimited = math.MaxInt64 >> 1 // cgroup v1 says so by the largest number of pages; v2 by a word
	text, err := fs.ReadFile(root, name)
	limit, bad := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || bad != nil || limit >= unlimited {
		return 0
	}
	return limit
}
