// Package e2e holds the end-to-end tests: real Kafka brokers, a real control
// plane, the product's own binaries and manifests. `make e2e` builds all that they
// need and runs them.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
)

// startLimit bounds the start of the stack, which takes 15 s on two idle cores.
const startLimit = 3 * time.Minute

// shared is the stack of all tests of this package. It is set by TestMain
// before they run and not after.
var shared *stack.Stack

func TestMain(m *testing.M) {
	os.Exit(run(m)) //nolint:forbidigo // this is the main of the test's binary
}

// run starts the stack once for all tests, and stops it also when they are
// interrupted. If they panic or are killed, the kernel ends its processes.
func run(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := start(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
		return 1
	}
	shared = s
	code := make(chan int, 1)
	go func() { code <- m.Run() }()
	select {
	case c := <-code:
		if c != 0 {
			fmt.Fprintln(os.Stderr, s.Explain())
		}
		err = s.Close()
		if err == nil {
			return c
		}
	case <-ctx.Done():
		err = errors.Join(errors.New("interrupted"), s.Close())
	}
	fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
	return 1
}

func start(ctx context.Context) (*stack.Stack, error) {
	where, err := layout.Find()
	if err != nil {
		return nil, err
	}
	dir, err := where.NewRun("test")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not within %v", startLimit))
	defer cancel()
	s, err := stack.Start(ctx, where, dir)
	if err != nil {
		return nil, fmt.Errorf("%w\nThe logs of this run are in %s", err, dir)
	}
	if err := s.Deploy(ctx, adapterArgs()...); err != nil {
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, s.Explain()), s.Close())
	}
	return s, nil
}
