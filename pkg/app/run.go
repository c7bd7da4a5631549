package app

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/oklog/run"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/version"
)

// run builds the parts and runs them until the context ends. load loads the configuration again, of which watch knows the file.
func (p Program) run(ctx context.Context, loaded Loaded, load func() (Loaded, error), watch fileWatch, logger *slog.Logger, level *slog.LevelVar) error {
	hangup := make(chan os.Signal, 1) // a second one that comes during a reload leads to one more; further ones would be no news
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	cfg, registry := loaded.Config, newRegistry()
	running := newRunning(loaded, logger, level, registry)
	reload := &reloader{
		load: load, apply: running.apply, watch: watch, every: cmp.Or(p.lookEvery, lookEvery), hangup: hangup, metrics: newReloadMetrics(registry, p.Name, cfg.Hash()), logger: logger,
		requests: make(chan chan error), ended: make(chan struct{}),
	}
	var ready atomic.Bool
	web, err := newWeb(cfg, &running.metrics, reload.handler(cfg.EnableLifecycle), running.fleet.Live, ready.Load, logger)
	if err != nil {
		return err
	}
	extension, err := running.start()
	if err != nil {
		web.close()
		return err
	}
	services := []Service{reload}
	if extension != nil {
		services = append(services, extension)
	}
	services = append(services, web, running.fleet)
	ready.Store(true)
	logger.Info("started", "version", version.Version(), "metrics", web.metrics(), "clusters", names(cfg.Clusters),
		"poll_interval", cfg.PollInterval.String(), "max_age", cfg.MaxAge.String(), "config_hash", cfg.Hash())
	return runInOrder(ctx, func() { ready.Store(false) }, services...)
}

// names says which clusters there are, and where.
func names(clusters []config.Cluster) string {
	all := make([]string, len(clusters))
	for i, c := range clusters {
		all[i] = c.Name + " at " + strings.Join(c.Brokers, ",")
	}
	return strings.Join(all, "; ")
}

// runInOrder runs the services until the context ends or one of them fails. Then it first withdraws readiness, and stops the
// services one after the other, in the order given: a later one, such as the collector, serves an earlier one to its end.
func runInOrder(ctx context.Context, unready func(), services ...Service) error {
	var group run.Group
	ctx, cancel := context.WithCancel(ctx)
	group.Add(func() error { <-ctx.Done(); return nil }, func(error) { unready(); cancel() })
	for _, service := range services {
		serviceCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
		done := make(chan struct{})
		group.Add(func() error {
			defer close(done)
			return service.Run(serviceCtx)
		}, func(error) {
			stop()
			<-done
		})
	}
	return group.Run()
}

// serviceFunc is a function as a Service.
type serviceFunc func(ctx context.Context) error

func (f serviceFunc) Run(ctx context.Context) error { return f(ctx) }
