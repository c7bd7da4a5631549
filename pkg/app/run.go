package app

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/oklog/run"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/version"
)

// A poll ends within a part of its interval, so that polls never overlap, and within a bound of its own: at long intervals a
// hung broker must not hold the others' values back for minutes.
const (
	pollShare = 0.9
	maxPoll   = 30 * time.Second
)

func pollTimeout(interval time.Duration) time.Duration {
	return min(time.Duration(pollShare*float64(interval)), maxPoll)
}

// run builds the parts and runs them until the context ends.
func (p Program) run(ctx context.Context, loaded Loaded, logger *slog.Logger) error {
	cfg := loaded.Config
	cluster := cfg.Clusters[0]
	registry := newRegistry(p.Name)
	store := &collector.Store{}
	wanted := collector.NewWanted()
	var wantedInterval time.Duration
	if loaded.Extension != nil {
		wantedInterval = loaded.Extension.WantedInterval()
	}
	reader, err := kafka.NewReader(readerConfig(cfg, cluster, wanted))
	if err != nil {
		return err
	}
	defer reader.Close()
	polls := collector.Config{Interval: cfg.PollInterval, WantedInterval: wantedInterval, Policies: policies(cfg, cluster.Name)}
	poller := collector.New(polls, reader, wanted, store, collector.NewMetrics(registry, store), logger.With("cluster", cluster.Name))

	var ready atomic.Bool
	web, err := newWeb(cfg, exporter.New(store, registry, cfg.MaxAge, logger, dialects(cfg)...), poller.Live, ready.Load, logger)
	if err != nil {
		return err
	}
	services := []Service{web, serviceFunc(poller.Run)}
	if loaded.Extension != nil {
		extension, err := loaded.Extension.Build(Core{Config: cfg, Store: store, Wanted: wanted, Registry: registry, Logger: logger, Live: poller.Live})
		if err != nil {
			web.close()
			return err
		}
		services = append([]Service{extension}, services...)
	}
	if exposed := cluster.Kafka.Exposed(); exposed != "" {
		logger.Warn("whoever can listen on the network can read our secret: connect to the brokers by TLS", "settings", exposed)
	}
	ready.Store(true)
	logger.Info("started", "version", version.Version(), "metrics", web.addr()+"/metrics", "brokers", cluster.Brokers,
		"poll_interval", cfg.PollInterval.String(), "max_age", cfg.MaxAge.String())
	return runInOrder(ctx, func() { ready.Store(false) }, services...)
}

// maxWantedPoll bounds a poll of the groups that were asked for: it is the time for which a broker that hangs, until it is known to,
// holds the others back. It is more than a broker with a latency of 400 ms needs for the four requests one after the other.
const maxWantedPoll = 2500 * time.Millisecond

// maxSlow bounds how old log starts and descriptions of members may get that nothing speaks against.
const maxSlow = 15 * time.Second

func readerConfig(cfg config.Config, cluster config.Cluster, wanted *collector.Wanted) kafka.Config {
	return kafka.Config{
		Cluster: cluster.Name, Brokers: cluster.Brokers, Security: security(cluster.Kafka), Groups: cluster.Groups.Match, Topics: cluster.Topics.Match,
		Timeout: pollTimeout(cfg.PollInterval), HotTimeout: min(pollTimeout(cfg.PollInterval), maxWantedPoll),
		SlowEvery: min(cfg.MaxAge/4, maxSlow),
		Policy:    policies(cfg, cluster.Name).Of,
		MaxGroups: cfg.MaxGroups, MaxPartitions: cfg.MaxPartitions, Wanted: wanted.Groups,
	}
}

// policies returns the policy of each group; nil if all have Kafka's defaults.
func policies(cfg config.Config, cluster string) lag.Policies {
	if !cfg.HasPolicies() {
		return nil
	}
	return func(group string) lag.Policy { return cfg.GroupPolicy(cluster, group) }
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

// newRegistry returns the registry of the program's own metrics.
func newRegistry(program string) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "kafka_lag_build_info",
		Help:        "Always 1; the labels say which build of which program this is.",
		ConstLabels: prometheus.Labels{"program": program, "version": version.Version(), "revision": version.Revision()},
	})
	info.Set(1)
	registry.MustRegister(info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}
