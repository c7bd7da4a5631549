package app

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/pflag"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/version"
)

// Loaded is what one load of the configuration gave.
type Loaded struct {
	Config    config.Config
	Extension Extension // with its settings; nil if the program has none
	Version   bool      // only the version was asked for

	values map[string]string // of all flags, by name, as they were loaded: what is made from the flags may change them
}

// load assembles the configuration from the arguments, and from what they name as it is now: the same arguments may be loaded again
// and again, and give something of their own each time. The error joins all mistakes; what is returned besides is then of no use.
func (p Program) load(args []string) (Loaded, error) { return p.loadFor(Command{}, args) }

// loadFor is load, with what a command adds to it.
func (p Program) loadFor(command Command, args []string) (Loaded, error) {
	set, _, flags, extension := p.settings()
	if command.Flags != nil {
		own := pflag.NewFlagSet(command.Name, pflag.ContinueOnError)
		command.Flags(own)
		config.CommandLineOnly(own)
		set.AddFlagSet(own)
	}
	if command.File {
		flags.TakeFile()
	}
	var validate []func() []error
	if extension != nil {
		validate = append(validate, extension.Validate)
	}
	cfg, err := flags.Parse(set, args, validate...)
	return Loaded{Config: cfg, Extension: extension, Version: flags.Version(), values: values(set)}, err
}

func values(set *pflag.FlagSet) map[string]string {
	all := map[string]string{}
	set.VisitAll(func(f *pflag.Flag) { all[f.Name] = f.Value.String() })
	return all
}

// settings makes all flags at their defaults: as one set for parsing, and by heading for --help.
func (p Program) settings() (set *pflag.FlagSet, groups []FlagGroup, flags *config.Flags, extension Extension) {
	common := pflag.NewFlagSet(p.Name, pflag.ContinueOnError)
	flags = config.AddFlags(common)
	groups = []FlagGroup{{Heading: "Kafka, /metrics and logging", Flags: common}}
	if p.Extension != nil {
		extension = p.Extension()
		groups = append(groups, extension.FlagGroups()...)
	}
	set = pflag.NewFlagSet(p.Name, pflag.ContinueOnError)
	set.SortFlags = false
	set.Usage = func() {} // printed by us
	set.SetOutput(io.Discard)
	for _, g := range groups {
		g.Flags.SortFlags = false
		set.AddFlagSet(g.Flags)
	}
	return set, groups, flags, extension
}

func (p Program) printVersion(w io.Writer) int {
	_, _ = fmt.Fprintf(w, "%s %s (revision %s, %s)\n", p.Name, version.Version(), version.Revision(), runtime.Version())
	return exitOK
}

func (p Program) printHelp(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%s %s\n\n%s\n\nUsage:\n  %s --brokers=HOST:PORT[,HOST:PORT…] [flags]\n", p.Name, version.Version(), p.Summary, p.Name)
	p.printCommands(w)
	_, groups, _, _ := p.settings()
	for _, g := range groups {
		_, _ = fmt.Fprintf(w, "\n%s:\n%s", g.Heading, g.Flags.FlagUsagesWrapped(120))
	}
}
