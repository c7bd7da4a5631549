package app

import (
	"runtime/debug"
	"strconv"
	"testing"
	"testing/fstest"
)

func TestMemoryOfTheControlGroup(t *testing.T) {
	const mebibyte = 1 << 20
	for name, test := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"none, as on a Mac": {},
		"v2 in a container, which sees its own group as the root": {map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "201326592\n",
		}, 192 * mebibyte},
		"v2 without a limit": {map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 0},
		"v2, the limit is the pod's": {map[string]string{
			"proc/self/cgroup":                         "0::/kubepods/pod1/c\n",
			"sys/fs/cgroup/kubepods/pod1/c/memory.max": "max\n", "sys/fs/cgroup/kubepods/pod1/memory.max": "67108864\n",
			"sys/fs/cgroup/kubepods/memory.max": "8589934592\n",
		}, 64 * mebibyte},
		"v2, a group outside of what is seen": {map[string]string{"proc/self/cgroup": "0::/../../x\n", "sys/fs/cgroup/memory.max": "1048576\n"}, mebibyte},
		"v1 in a container, whose path is the host's": {map[string]string{
			"proc/self/cgroup":                           "5:cpu,cpuacct:/kubepods/pod1/c\n4:memory:/kubepods/pod1/c\n0::/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "134217728\n",
		}, 128 * mebibyte},
		"v1 without a limit": {map[string]string{
			"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 0},
		"v1, no controller of memory": {map[string]string{"proc/self/cgroup": "5:cpu:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "4096\n"}, 0},
		"what is no list of groups":   {map[string]string{"proc/self/cgroup": "memory\n\n", "sys/fs/cgroup/memory.max": "4096\n"}, 0},
		"what is no number":           {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "-1\n"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{}
			for file, text := range test.files {
				root[file] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := memoryOf(root); got != test.want {
				t.Errorf("%d bytes, want %d", got, test.want)
			}
		})
	}
}

// The limit is that of the control group, unless the environment says another.
func TestMemoryLimitYieldsToTheEnvironment(t *testing.T) {
	const before, limit = 1 << 40, 64 << 20
	container := fstest.MapFS{"proc/self/cgroup": {Data: []byte("0::/\n")}, "sys/fs/cgroup/memory.max": {Data: []byte(strconv.Itoa(limit))}}
	unlimited := fstest.MapFS{"proc/self/cgroup": {Data: []byte("0::/\n")}, "sys/fs/cgroup/memory.max": {Data: []byte("max\n")}}
	for _, test := range []struct {
		environment string
		root        fstest.MapFS
		want        int64
	}{{"", container, MemoryGoal(limit)}, {"1TiB", container, before}, {"", unlimited, before}} {
		original := debug.SetMemoryLimit(before)
		t.Setenv("GOMEMLIMIT", test.environment)
		limitMemory(test.root)
		if got := debug.SetMemoryLimit(original); got != test.want {
			t.Errorf("with GOMEMLIMIT=%q in the environment: %d bytes, want %d", test.environment, got, test.want)
		}
	}
}
