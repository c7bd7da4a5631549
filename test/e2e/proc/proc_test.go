package proc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// parentEnv makes this test's binary a parent that starts one child, writes its
// pid to the named file, and waits to be killed.
const parentEnv = "PROC_TEST_PARENT"

func TestMain(m *testing.M) {
	if file := os.Getenv(parentEnv); file != "" {
		if err := beParent(file); err != nil {
			panic(err) // there is no test to fail
		}
		return
	}
	m.Run() // whose result becomes that of the binary
}

func beParent(file string) error {
	p, err := proc.Start(proc.Spec{Name: "child", Path: "sleep", Args: []string{"600"}, LogDir: filepath.Dir(file)})
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(strconv.Itoa(p.PID())), 0o600); err != nil {
		return err
	}
	<-p.Exited()
	return nil
}

func TestChildDiesWithItsParent(t *testing.T) {
	ctx := suite.Within(t, 30*time.Second)
	file := filepath.Join(t.TempDir(), "pid")
	parent := exec.CommandContext(ctx, os.Args[0])
	parent.Env = append(os.Environ(), parentEnv+"="+file)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var child proc.Identity
	err := await.Until(ctx, "the child's pid", func(context.Context) error {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		pid, err := strconv.Atoi(string(text))
		if err != nil {
			return err
		}
		child, err = proc.Identify("child", pid)
		return err
	})
	if err := errors.Join(err, parent.Process.Kill()); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed, which is an error here
	if err := await.Until(ctx, "the child's end", func(context.Context) error {
		if child.Alive() {
			return errors.New("alive")
		}
		return nil
	}); err != nil {
		t.Error(err, child.Signal(syscall.SIGKILL))
	}
}

func TestReadyTellsWhyAChildEnded(t *testing.T) {
	p := shell(t, "echo the reason; exit 3")
	err := p.Ready(suite.Within(t, 30*time.Second), func(context.Context) error { return errors.New("no answer") })
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "the reason") {
		t.Errorf("Ready = %v, want the exit status and the log", err)
	}
}

func TestStartOfWhatIsNotThere(t *testing.T) {
	_, err := proc.Start(proc.Spec{Name: "x", Path: filepath.Join(t.TempDir(), "x"), LogDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "make e2e") {
		t.Errorf("Start = %v, want advice to run `make e2e`", err)
	}
}

func TestStop(t *testing.T) {
	for name, test := range map[string]struct {
		script string
		code   int
	}{
		"in good order":        {`trap "exit 0" TERM; echo up; while :; do sleep 0.1; done`, 0},
		"against its will":     {`trap "" TERM; echo up; while :; do sleep 0.1; done`, -1},
		"that ended by itself": {`echo up; exit 4`, 4},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := suite.Within(t, 30*time.Second)
			p := shell(t, test.script)
			wantUp(ctx, t, p)
			if err := p.Stop(time.Second); err != nil {
				t.Fatal(err)
			}
			if code, err := p.ExitCode(ctx); err != nil || code != test.code {
				t.Errorf("ExitCode = %d, %v, want %d", code, err, test.code)
			}
		})
	}
}

func TestPauseAndResume(t *testing.T) {
	ctx := suite.Within(t, 30*time.Second)
	p := shell(t, `trap "exit 0" TERM; echo up; while :; do sleep 0.1; done`)
	wantUp(ctx, t, p)
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := await.Until(ctx, "the child to be stopped", func(context.Context) error {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
		if err == nil && !strings.Contains(string(text), ") T ") {
			err = errors.New("it runs")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Resume(), p.Stop(20*time.Second)); err != nil {
		t.Fatal(err)
	}
	if code, err := p.ExitCode(ctx); err != nil || code != 0 {
		t.Errorf("after Resume and Stop ExitCode = %d, %v, want 0", code, err)
	}
}

func TestIdentityOfAnotherProcess(t *testing.T) {
	p := shell(t, `echo up; while :; do sleep 0.1; done`)
	id, err := proc.Identify("child", p.PID())
	if err != nil || !id.Alive() {
		t.Fatalf("Identify = %+v, %v, want one that is alive", id, err)
	}
	earlier := id
	earlier.Start-- // as if the number had belonged to a process before
	if earlier.Alive() {
		t.Error("a process that began earlier counts as alive")
	}
	if err := earlier.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if !id.Alive() {
		t.Error("a signal to an earlier process has reached the one that has its number now")
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if id.Alive() {
		t.Error("a killed process counts as alive")
	}
}

func shell(t *testing.T, script string) *proc.Process {
	t.Helper()
	p, err := proc.Start(proc.Spec{Name: "child", Path: "sh", Args: []string{"-c", script}, LogDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func wantUp(ctx context.Context, t *testing.T, p *proc.Process) {
	t.Helper()
	if err := await.Until(ctx, "the child to be up", func(context.Context) error {
		if proc.Tail(p.Log(), 1) != "up" {
			return errors.New("not yet")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
