// Command stack brings the stack of the end-to-end tests up for a person, and
// down again: `make e2e-up`, `make e2e-down`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
)

const usage = `usage: stack up | down | serve
  up     starts Kafka, a control plane and the adapter in the background, and says how to reach them
  down   ends what up has started
  serve  is what up runs in the background: the same in the foreground, until Ctrl-C`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "stack:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	if len(args) != 1 {
		return errors.New(usage)
	}
	where, err := layout.Find()
	if err != nil {
		return err
	}
	state := stateFile(filepath.Join(where.Root, ".cache", "run", "stack.json"))
	switch args[0] {
	case "up":
		return up(ctx, out, where, state)
	case "serve":
		return serve(ctx, out, where, state)
	case "down":
		return down(ctx, out, state)
	default:
		return errors.New(usage)
	}
}
