package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Command is something that a program does besides running, such as `lag-adapter check`. It takes all settings as flags, like the
// program itself.
type Command struct {
	Name    string // a word, or several such as "config print"
	Summary string // one line for --help
	// File says that one argument follows, the path of the configuration file, in the place of --config.
	File bool
	// Flags, if set, adds flags that only the command has. They hold their values once Run is called.
	Flags func(set *pflag.FlagSet)
	// Run does it and returns the exit code.
	Run func(ctx context.Context, call Call) int
}

// Call is one use of a command.
type Call struct {
	Program Program
	Loaded  Loaded
	// Err joins the mistakes in the configuration. A command that finds some says so and returns Wrong, or tells them in a way of
	// its own.
	Err            error
	Stdout, Stderr io.Writer
}

// Wrong tells the mistakes in the configuration, and returns the exit code for them.
func (c Call) Wrong() int { return c.Program.wrong("", c.Stderr, c.Err) }

// command runs the command that the arguments begin with.
func (p Program) command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	command, args, err := p.find(args)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
		return exitUsage
	}
	loaded, err := p.loadFor(command, args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		p.printCommandHelp(stdout, command)
		return exitOK
	case loaded.Version:
		return p.printVersion(stdout)
	}
	return command.Run(ctx, Call{Program: p, Loaded: loaded, Err: err, Stdout: stdout, Stderr: stderr})
}

// find returns the command and what follows it.
func (p Program) find(args []string) (Command, []string, error) {
	var names []string
	for _, c := range p.commands() {
		words := strings.Fields(c.Name)
		if len(args) >= len(words) && slices.Equal(args[:len(words)], words) {
			return c, args[len(words):], nil
		}
		names = append(names, c.Name)
	}
	return Command{}, nil, fmt.Errorf("%q is neither a flag nor a command; the commands are: %s; see --help", args[0], strings.Join(names, ", "))
}

func (p Program) printCommands(w io.Writer) {
	_, _ = fmt.Fprintf(w, "  %s COMMAND [flags]\n\nCommands:\n", p.Name)
	for _, c := range p.commands() {
		_, _ = fmt.Fprintf(w, "  %-20s %s\n", c.usage(), c.Summary)
	}
}

func (c Command) usage() string {
	if c.File {
		return c.Name + " FILE"
	}
	return c.Name
}

func (p Program) printCommandHelp(w io.Writer, c Command) {
	_, _ = fmt.Fprintf(w, "%s %s [flags]\n\n%s\n", p.Name, c.usage(), c.Summary)
	if c.Flags != nil {
		own := pflag.NewFlagSet(c.Name, pflag.ContinueOnError)
		c.Flags(own)
		_, _ = fmt.Fprintf(w, "\nFlags of the command:\n%s", own.FlagUsagesWrapped(120))
	}
	_, _ = fmt.Fprintf(w, "\nIt takes all settings as well; %s --help lists them.\n", p.Name)
}
