package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
)

const (
	startLimit = 5 * time.Minute  // of the whole stack; it takes half a minute on two idle cores
	stopLimit  = 30 * time.Second // of serve, before down kills what is left
)

// up runs serve in the background and waits until it is ready.
func up(ctx context.Context, out io.Writer, where layout.Layout, file stateFile) error {
	running, err := file.read()
	if err != nil {
		return err
	}
	if running != nil && running.Server.Alive() {
		if !running.Ready {
			return errors.New("another `make e2e-up` is starting it")
		}
		_, err := fmt.Fprintln(out, running.Guide)
		return err
	}
	logPath := filepath.Join(filepath.Dir(string(file)), "stack.log")
	serving, err := background(where, logPath)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not within %v", startLimit))
	defer cancel()
	if err := waitReady(limited, serving, file); err != nil {
		if ctx.Err() != nil {
			return err // interrupted: the log has nothing to explain
		}
		return fmt.Errorf("%w\n--- the end of %s:\n%s", err, logPath, proc.Tail(logPath, 30))
	}
	if running, err = file.read(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, running.Guide)
	return err
}

// waitReady waits until serve says that its stack is ready. Where that does not
// come about, it ends serve.
func waitReady(ctx context.Context, serving *exec.Cmd, file stateFile) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		end(errors.Join(errors.New("it has ended"), serving.Wait()))
	}()
	err := await.Until(ctx, "the stack", func(context.Context) error {
		s, err := file.read()
		if err == nil && (s == nil || s.Server.PID != serving.Process.Pid || !s.Ready) {
			err = errors.New("not ready")
		}
		return err
	})
	if err == nil {
		return nil
	}
	if stop := serving.Process.Signal(syscall.SIGTERM); stop != nil && !errors.Is(stop, os.ErrProcessDone) {
		return errors.Join(err, stop)
	}
	<-ended
	return err
}

// background starts serve in a session of its own: it outlives the terminal.
func background(where layout.Layout, logPath string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(logPath), 0o755); err != nil {
		return nil, err
	}
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(self, "serve") //nolint:noctx // it outlives this process
	cmd.Dir = where.Root
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, cmd.Start()
}

// serve runs the stack until ctx ends.
func serve(ctx context.Context, out io.Writer, where layout.Layout, file stateFile) (err error) {
	self, err := proc.Identify("stack", os.Getpid())
	if err != nil {
		return err
	}
	dir, err := where.NewRun("stack")
	if err != nil {
		return err
	}
	if err := file.write(state{Server: self}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.remove()) }()
	limited, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not within %v", startLimit))
	defer cancel()
	s, err := stack.Start(limited, where, dir)
	if err != nil {
		return fmt.Errorf("%w\nThe logs are in %s", err, dir)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Deploy(limited); err != nil {
		return fmt.Errorf("%w\n%s", err, s.Explain())
	}
	ids, err := s.Identities()
	if err != nil {
		return err
	}
	text := guide(where, s)
	if err := file.write(state{Server: self, Ready: true, Processes: ids, Guide: text}); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, text); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// down ends serve, which ends its stack; what is left after that it kills: the
// recorded processes and no others.
func down(ctx context.Context, out io.Writer, file stateFile) error {
	running, err := file.read()
	if err != nil {
		return err
	}
	if running == nil {
		_, err := fmt.Fprintln(out, "Nothing is up.")
		return err
	}
	if err := running.Server.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, stopLimit, fmt.Errorf("not within %v", stopLimit))
	defer cancel()
	waitErr := await.Until(limited, "the stack to end", func(context.Context) error {
		if running.Server.Alive() {
			return fmt.Errorf("process %d runs", running.Server.PID)
		}
		return nil
	})
	if ctx.Err() != nil {
		return waitErr
	}
	for _, id := range append(running.Processes, running.Server) {
		if err := id.Signal(syscall.SIGKILL); err != nil {
			return err
		}
	}
	if err := file.remove(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "The stack is down.")
	return err
}
