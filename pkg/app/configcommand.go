package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
)

// commands returns what both programs can do, and what this one can.
func (p Program) commands() []Command {
	return slices.Concat([]Command{
		{Name: "config print", Run: printConfig,
			Summary: "Prints the configuration that counts, as a file that says the same, with where each setting comes from. No secret is in it."},
		checkConfig(),
		{Name: "config schema", Run: printSchema, Summary: "Prints the JSON Schema of the configuration file."},
	}, p.Commands)
}

func printConfig(_ context.Context, call Call) int {
	if call.Err != nil {
		return call.Wrong()
	}
	_, _ = fmt.Fprint(call.Stdout, call.Loaded.Config.Effective())
	return exitOK
}

func printSchema(_ context.Context, call Call) int {
	set, _, _, _ := call.Program.settings()
	text, err := config.Schema(set, call.Program.Name)
	if err != nil {
		_, _ = fmt.Fprintf(call.Stderr, "%s: %v\n", call.Program.Name, err)
		return exitFailed
	}
	_, _ = call.Stdout.Write(text)
	return exitOK
}

// checkConfig returns the command that checks a file as a start would, with the flags and the environment that there are.
func checkConfig() Command {
	var output string
	var fileOnly bool
	return Command{
		Name: "config check", File: true, Summary: "Says all that is wrong with a configuration file. Exit code 2 if anything is.",
		Flags: func(set *pflag.FlagSet) {
			set.StringVarP(&output, "output", "o", "text", "Form of the answer: text or json.")
			set.BoolVar(&fileOnly, "file-only", false, "Leave out what only the machine that it is for can tell: whether files that it names are there, and "+
				"what has to come from the environment or from flags if it is not in the file.")
		},
		Run: func(_ context.Context, call Call) int {
			if output != "text" && output != "json" {
				_, _ = fmt.Fprintf(call.Stderr, "%s: --output: %q is not one of text, json\n", call.Program.Name, output)
				return exitUsage
			}
			wrong, ok := errors.AsType[*config.InvalidError](call.Err)
			if ok && fileOnly {
				wrong = wrong.Anywhere()
			}
			return call.tellCheck(output, wrong)
		},
	}
}

// tellCheck tells what is wrong with the file, if anything.
func (c Call) tellCheck(output string, wrong *config.InvalidError) int {
	code, mistakes := exitOK, []config.Mistake{}
	if wrong != nil {
		code, mistakes = exitUsage, wrong.Mistakes
	}
	switch {
	case output == "json":
		encoder := json.NewEncoder(c.Stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(map[string]any{"file": c.Loaded.Config.File, "valid": wrong == nil, "mistakes": mistakes}) // to the terminal
	case wrong != nil:
		_, _ = fmt.Fprintln(c.Stderr, wrong)
	default:
		_, _ = fmt.Fprintf(c.Stdout, "%s is valid\n", c.Loaded.Config.File)
	}
	return code
}
