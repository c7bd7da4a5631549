package cgroup

import (
	"os/exec"
	"testing"
	"time"
)

// TestCPU has a process that would take a whole CPU wait for most of the time, until the group is closed.
func TestCPU(t *testing.T) {
	c, err := NewCPU("cgroup-test", 50)
	if err != nil {
		t.Fatal(err)
	}
	burn := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done")
	if err := burn.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = burn.Process.Kill(); _ = burn.Wait() })
	if err := c.Add(burn.Process.Pid); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(time.Minute)
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		throttled, all, err := c.Throttled()
		if err != nil {
			t.Fatal(err)
		}
		if throttled >= 5 {
			if throttled > all {
				t.Errorf("%d of %d periods", throttled, all)
			}
			break
		}
		select {
		case <-deadline:
			t.Fatalf("throttled in %d of %d periods", throttled, all)
		case <-tick.C:
		}
	}
	if err := c.Close(); err != nil { // which the group's directory refuses as long as a process is in it
		t.Fatal(err)
	}
}
