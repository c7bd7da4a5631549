// Package suite is the frame of the packages of end-to-end tests: it starts
// once what all tests of a package share, and ends it whatever becomes of them.
package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/canary"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
)

// startLimit bounds the start of a stack, which takes 20 s on two idle cores.
const startLimit = 5 * time.Minute

// Stack is what the tests of a package share.
type Stack interface {
	// Close ends all its processes. Logs stay.
	Close() error
	// Explain says where to look after a failure.
	Explain() string
}

// Start starts a stack, whose files of this run are in dir. With an error,
// nothing may be left running.
type Start[S Stack] func(ctx context.Context, where layout.Layout, dir string) (S, error)

// Run starts a stack, sets shared to it, runs the tests and returns the exit
// code. Then no log of the run may show one of its secrets. It stops the stack also when the tests are interrupted; if they panic
// or are killed, the kernel ends its processes. kind is part of the name of the
// folder for the files of the run.
func Run[S Stack](m *testing.M, kind string, shared *S, start Start[S]) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, dir, err := begin(ctx, kind, start)
	if err != nil {
		fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
		return 1
	}
	*shared = s
	code := make(chan int, 1)
	go func() { code <- m.Run() }()
	select {
	case c := <-code:
		if c != 0 {
			fmt.Fprintln(os.Stderr, s.Explain())
		}
		err = errors.Join(s.Close(), searchSecrets(dir))
		if err == nil {
			return c
		}
	case <-ctx.Done():
		err = errors.Join(errors.New("interrupted"), s.Close())
	}
	fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
	return 1
}

func begin[S Stack](ctx context.Context, kind string, start Start[S]) (s S, dir string, err error) {
	where, err := layout.Find()
	if err != nil {
		return s, "", err
	}
	if dir, err = where.NewRun(kind); err != nil {
		return s, "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not within %v", startLimit))
	defer cancel()
	if s, err = start(ctx, where, dir); err != nil {
		return s, "", fmt.Errorf("%w\nThe logs of this run are in %s", err, dir)
	}
	return s, dir, nil
}

// searchSecrets fails if a run shows one of its secrets in what it leaves.
func searchSecrets(dir string) error {
	report, err := canary.Search(dir)
	fmt.Fprintln(os.Stderr, "end-to-end tests:", report)
	return err
}

// Within bounds a test: what it waits for must come about in that time.
func Within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, fmt.Errorf("not within %v", limit))
	t.Cleanup(cancel)
	return ctx
}

// Try ends the test on an error in what it only builds on.
func Try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
