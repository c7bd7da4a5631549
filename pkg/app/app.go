// Package app wires the parts into a running program: brokers → collector → /metrics, and whatever an [Extension] adds. It builds
// everything, runs it as one group and shuts it down in order. It links no Kubernetes package; the adapter's part is in
// pkg/app/metricsapi.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/version"
)

// The exit codes of both programs.
const (
	exitOK     = 0
	exitFailed = 1 // could not start, or stopped by a failure
	exitUsage  = 2 // the configuration is wrong
)

// Program is one of the binaries.
type Program struct {
	Name      string
	Summary   string // one sentence for --help
	Extension Extension
}

// Extension is a part that only one of the programs has.
type Extension interface {
	// FlagGroups returns the flags of the part, by heading.
	FlagGroups() []FlagGroup
	// Validate is called once the flags are parsed.
	Validate() []error
	// WantedInterval is how often the groups are polled that readers asked for through Core.Wanted. It counts once Validate
	// was called.
	WantedInterval() time.Duration
	// Build makes the part. What it returns has its ports open but does not serve yet.
	Build(Core) (Service, error)
}

// FlagGroup is a set of flags under one heading of --help.
type FlagGroup struct {
	Heading string
	Flags   *pflag.FlagSet
}

// Core is what the collector's side offers to an extension.
type Core struct {
	Config   config.Config
	Store    *collector.Store
	Wanted   *collector.Wanted
	Registry *prometheus.Registry
	Logger   *slog.Logger
	// Live says why the poll loop is stuck, nil if it is not.
	Live func() error
}

// Service runs until its context ends, and then ends what is under way.
type Service interface {
	Run(ctx context.Context) error
}

// Main runs the program until SIGTERM or SIGINT and returns its exit code.
func (p Program) Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	set, groups, flags := p.flags()
	cfg, err := flags.Parse(set, args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		p.printHelp(stdout, groups)
		return exitOK
	case flags.Version():
		_, _ = fmt.Fprintf(stdout, "%s %s (revision %s, %s)\n", p.Name, version.Version(), version.Revision(), runtime.Version())
		return exitOK
	}
	if p.Extension != nil {
		err = errors.Join(err, errors.Join(p.Extension.Validate()...))
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: the configuration is wrong:\n%v\n", p.Name, err)
		return exitUsage
	}
	logger := newLogger(stderr, cfg)
	if err := p.run(ctx, cfg, logger); err != nil {
		logger.Error("stopped by a failure", "err", err)
		return exitFailed
	}
	logger.Info("stopped")
	return exitOK
}

// flags returns all flags as one set for parsing, and by heading for --help.
func (p Program) flags() (*pflag.FlagSet, []FlagGroup, *config.Flags) {
	common := pflag.NewFlagSet(p.Name, pflag.ContinueOnError)
	flags := config.AddFlags(common)
	groups := []FlagGroup{{Heading: "Kafka, /metrics and logging", Flags: common}}
	if p.Extension != nil {
		groups = append(groups, p.Extension.FlagGroups()...)
	}
	set := pflag.NewFlagSet(p.Name, pflag.ContinueOnError)
	set.SortFlags = false
	set.Usage = func() {} // printed by us
	set.SetOutput(io.Discard)
	for _, g := range groups {
		set.AddFlagSet(g.Flags)
	}
	return set, groups, flags
}

func (p Program) printHelp(w io.Writer, groups []FlagGroup) {
	_, _ = fmt.Fprintf(w, "%s %s\n\n%s\n\nUsage:\n  %s --brokers=HOST:PORT[,HOST:PORT…] [flags]\n", p.Name, version.Version(), p.Summary, p.Name)
	for _, g := range groups {
		g.Flags.SortFlags = false
		_, _ = fmt.Fprintf(w, "\n%s:\n%s", g.Heading, g.Flags.FlagUsagesWrapped(120))
	}
}

func newLogger(w io.Writer, cfg config.Config) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
