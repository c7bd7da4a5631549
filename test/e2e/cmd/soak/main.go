// Command soak has the products run for hours while one fault follows the other,
// and says whether they hold as much at last as at first: `make soak`.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/soak"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	lasts := flags.Duration("for", 2*time.Hour, "how long; Ctrl-C ends it earlier, and then what there is by then is judged")
	doc := flags.Bool("doc", false, "write the result into docs/faults.md")
	if err := flags.Parse(args); err != nil {
		return err
	}
	where, err := layout.Find()
	if err != nil {
		return err
	}
	cfg := soak.Config{Where: where, For: *lasts, Out: out}
	if *doc {
		cfg.Page = filepath.Join(where.Root, "docs", "faults.md")
	}
	return soak.Run(ctx, cfg)
}
