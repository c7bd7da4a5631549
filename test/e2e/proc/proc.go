// Package proc runs the child processes of the end-to-end tests: each with a
// log file and a process group of its own, and none that outlives its parent,
// however that ends. Linux only.
package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
)

// Spec says what to run.
type Spec struct {
	Name string   // in messages, and the log file's name
	Path string   // the executable
	Args []string // without the executable's name
	Env  []string // in addition to this process's own
	Dir  string   // working directory; empty: this process's own

	LogDir string // output is appended to LogDir/Name.log

	// Stdin and Stdout, where set, take the place of nothing and of the log.
	Stdin, Stdout *os.File

	// Root, where set, is the folder that the child takes for the root: Path and
	// Dir are inside it. User is who it then runs as, user and group, and Env all its
	// environment. Only root can do so.
	Root string
	User uint32
}

// Process is a started child.
type Process struct {
	spec   Spec
	cmd    *exec.Cmd
	exited chan struct{} // closed once the child was reaped
	err    error         // how it ended; read only after exited
}

// Start runs a child. It is ready when Ready says so.
func Start(spec Spec) (*Process, error) {
	if _, err := exec.LookPath(filepath.Join(spec.Root, spec.Path)); spec.Root != "" && err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	} else if _, err := exec.LookPath(spec.Path); spec.Root == "" && err != nil {
		return nil, fmt.Errorf("starting %s: %w: run `make e2e`, which builds it", spec.Name, err)
	}
	if err := os.MkdirAll(spec.LogDir, 0o755); err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}
	p := &Process{spec: spec, exited: make(chan struct{})}
	log, err := os.OpenFile(p.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}
	p.cmd = exec.Command(spec.Path, spec.Args...) //nolint:noctx // lives until it is stopped, not as long as the call that starts it
	p.cmd.Env = append(os.Environ(), spec.Env...)
	p.cmd.Dir = spec.Dir
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if spec.Stdout != nil {
		p.cmd.Stdout = spec.Stdout
	}
	if spec.Stdin != nil {
		p.cmd.Stdin = spec.Stdin
	}
	// A Ctrl-C on the terminal must reach only the test, which then stops its
	// children in order; and a test that dies must take them with it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if spec.Root != "" {
		p.cmd.Env, p.cmd.Dir = spec.Env, "/"+spec.Dir
		p.cmd.SysProcAttr.Chroot = spec.Root
		p.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: spec.User, Gid: spec.User}
	}

	started := make(chan error)
	go p.run(log, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}
	return p, nil
}

// run starts the child and reaps it, all on one thread: the kernel sends
// Pdeathsig when the thread that started a child ends, not its process.
func (p *Process) run(log *os.File, started chan<- error) {
	runtime.LockOSThread()
	err := p.cmd.Start()
	_ = log.Close() // the child has its own descriptor by now
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
	close(p.exited)
}

// Name is the Spec's.
func (p *Process) Name() string { return p.spec.Name }

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log is the path of the child's log.
func (p *Process) Log() string { return filepath.Join(p.spec.LogDir, p.spec.Name+".log") }

// Exited is closed once the child has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// ExitCode waits for the end of the child; it is -1 where a signal ended it.
func (p *Process) ExitCode(ctx context.Context) (int, error) {
	select {
	case <-ctx.Done():
		return 0, fmt.Errorf("waiting for the end of %s (pid %d): %w", p.spec.Name, p.PID(), context.Cause(ctx))
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode(), nil
	}
}

// Ready waits until probe returns nil. A child that ends before, or does not
// become ready while ctx lasts, gives an error with the end of its log.
func (p *Process) Ready(ctx context.Context, probe func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-p.exited:
			cancel(errors.Join(fmt.Errorf("%s has ended", p.spec.Name), p.err))
		case <-ctx.Done():
		}
	}()
	if err := await.Until(ctx, p.spec.Name+" to be ready", probe); err != nil {
		return p.explain(err)
	}
	return nil
}

// explain adds the end of the child's log to an error.
func (p *Process) explain(err error) error {
	return fmt.Errorf("%w\n--- the end of %s:\n%s", err, p.Log(), Tail(p.Log(), 30))
}

// Stop asks the child to end (SIGTERM), and makes it (SIGKILL) when it has not
// after grace. A paused child is resumed, to be able to obey.
func (p *Process) Stop(grace time.Duration) error {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT} {
		if err := p.Signal(sig); err != nil {
			return err
		}
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(grace):
		return p.Kill()
	}
}

// Kill ends the child at once, as a crash would (SIGKILL), and reaps it.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.exited
	return nil
}

// Pause hangs the child (SIGSTOP): its connections stay open, nothing answers.
func (p *Process) Pause() error { return p.Signal(syscall.SIGSTOP) }

// Resume ends a Pause (SIGCONT).
func (p *Process) Resume() error { return p.Signal(syscall.SIGCONT) }

// Signal sends sig. A child that has ended already is no error.
func (p *Process) Signal(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %v to %s (pid %d): %w", sig, p.spec.Name, p.PID(), err)
	}
	return nil
}

// PortTaken tells whether a start failed because another process had taken the
// port that was picked for it in the meantime: then another try is worthwhile.
func PortTaken(err error) bool {
	return err != nil && strings.Contains(strings.ToLower(err.Error()), "address already in use")
}
