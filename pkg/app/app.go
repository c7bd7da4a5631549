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
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
)

// The exit codes of both programs.
const (
	exitOK     = 0
	exitFailed = 1 // could not start, or stopped by a failure
	exitUsage  = 2 // the configuration is wrong
)

// Program is one of the binaries.
type Program struct {
	Name    string
	Summary string // one sentence for --help
	// Extension makes the part that only this program has, with its settings at their defaults; nil for none. Each load of the
	// configuration makes one.
	Extension func() Extension
	Commands  []Command // what it can do besides running
	// GCPercent is what GOGC is if the environment does not set it; zero for Go's default.
	GCPercent int

	lookEvery time.Duration // how often the configuration file is looked at; zero for the default
}

// Extension is a part that only one of the programs has, with the settings of one load of the configuration.
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
	// Reloadable names the flags that may change while the part runs.
	Reloadable() []string
	// Adopt makes what an Extension of another load has built, and what may be serving, one of the settings of this one, of which
	// only those differ that are Reloadable. It takes effect at once and as a whole.
	Adopt(Service, Core)
}

// FlagGroup is a set of flags under one heading of --help.
type FlagGroup struct {
	Heading string
	Flags   *pflag.FlagSet
}

// Core is what the collector's side offers to an extension.
type Core struct {
	Config   config.Config
	Store    Source // of the clusters in Config
	Wanted   *collector.Wanted
	Registry *prometheus.Registry
	Logger   *slog.Logger
	// EachPoll has do called with each poll that has ended. It counts during Build only, and once.
	EachPoll func(do func(collector.Poll))
	// Live says why the poll loop is stuck, nil if it is not.
	Live func() error
}

// Service runs until its context ends, and then ends what is under way.
type Service interface {
	Run(ctx context.Context) error
}

// Main does what the arguments say, which is to run until SIGTERM or SIGINT if they begin with no command, and returns the exit code.
func (p Program) Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return p.command(ctx, args, stdout, stderr)
	}
	loaded, err := p.load(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		p.printHelp(stdout)
		return exitOK
	case loaded.Version:
		return p.printVersion(stdout)
	case err != nil:
		return p.wrong(loaded.Config.LogFormat, stderr, err)
	}
	if p.GCPercent != 0 && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(p.GCPercent)
	}
	limitMemory(os.DirFS("/"))
	load := func() (Loaded, error) { return p.load(args) }
	watch := newFileWatch(loaded.Config.File)
	if watch.path != "" { // again, so that no change is missed that came between the load and the first look
		if loaded, err = load(); err != nil {
			return p.wrong(loaded.Config.LogFormat, stderr, err)
		}
	}
	level := &slog.LevelVar{}
	level.Set(loaded.Config.LogLevel)
	logger := newLogger(stderr, loaded.Config.LogFormat, level)
	slog.SetDefault(logger) // also for what libraries write by package log
	end := func() error { return nil }
	if stderr == io.Writer(os.Stderr) {
		if end, err = logStderr(logger); err != nil {
			logger.Error("cannot log what libraries write to standard error", "err", err)
			return exitFailed
		}
	}
	err = p.run(ctx, loaded, load, watch, logger, level)
	if err = errors.Join(err, end()); err != nil {
		logger.Error("stopped by a failure", "err", err)
		return exitFailed
	}
	logger.Info("stopped")
	return exitOK
}

// wrong tells the mistakes in the configuration, in the format of the log as far as that could be read.
func (p Program) wrong(format string, stderr io.Writer, mistakes error) int {
	if format == jsonFormat {
		newLogger(stderr, format, slog.LevelInfo).Error("the configuration is wrong", "err", mistakes)
		return exitUsage
	}
	_, _ = fmt.Fprintf(stderr, "%s: the configuration is wrong:\n%v\n", p.Name, mistakes)
	return exitUsage
}
