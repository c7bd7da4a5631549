// Command demo shows the whole path at work, without a cluster: an in-process Kafka, a producer whose rate varies, consumers, the
// real lag-adapter, and an autoscaler that asks its metrics API as the HorizontalPodAutoscaler does and sizes the consumers.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/demo/view"
)

func main() { os.Exit(start(os.Args[1:], os.Stdout, os.Stderr)) }

// start parses the arguments, runs the demo and returns its exit code.
func start(args []string, stdout, stderr *os.File) int {
	flags := pflag.NewFlagSet("demo", pflag.ContinueOnError)
	flags.SetOutput(stderr)
	length := flags.Duration("for", 0, "End by itself after this time, such as 60s. 0 runs until Ctrl-C.")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("argument %q is not a flag; see --help", flags.Arg(0))
	case err == nil && *length < 0:
		err = fmt.Errorf("--for: %s is negative; use a duration such as 60s, or 0 to run until Ctrl-C", *length)
	}
	if err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return 2
	}
	// A pipe that was closed is an error of the next write, and the demo then ends as it should.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	s := defaults()
	s.length = *length
	if err := run(ctx, s, newView(stdout, stderr)); err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return 1
	}
	return 0
}

// display is where the demo shows itself.
type display interface {
	Print(text string) error
	Show(row view.Row) error
	notes
}

// newView returns a table on a terminal, and lines elsewhere.
func newView(stdout *os.File, stderr io.Writer) display {
	fd := int(stdout.Fd())
	if !term.IsTerminal(fd) || os.Getenv("TERM") == "dumb" {
		return view.NewLines(stdout, stderr)
	}
	size := func() (int, int) {
		width, height, err := term.GetSize(fd)
		if err != nil || width == 0 || height == 0 {
			return 80, 24
		}
		return width, height
	}
	return view.NewTerminal(stdout, size, barBlock(os.Getenv))
}

// barBlock is what the locale can show.
func barBlock(getenv func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} { // the first one set is the one that counts
		if locale := strings.ToUpper(getenv(name)); locale != "" {
			if strings.HasSuffix(locale, "UTF-8") || strings.HasSuffix(locale, "UTF8") {
				return "▇"
			}
			break
		}
	}
	return "#"
}
