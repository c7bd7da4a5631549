package app

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/exporter"
)

// running is what of a program changes with its configuration while it runs. What is made from the settings is never changed but
// made anew, and takes the place of the old at once. Its methods must not be called concurrently.
type running struct {
	logger   *slog.Logger
	level    *slog.LevelVar
	registry *prometheus.Registry
	store    *collector.Store
	wanted   *collector.Wanted
	polls    *collector.Metrics
	fleet    *collector.Fleet
	metrics  handler // of /metrics

	loaded  Loaded
	service Service           // the extension's; nil if there is none
	warned  map[string]string // by cluster, what was said of its being exposed
}

func newRunning(loaded Loaded, logger *slog.Logger, level *slog.LevelVar, registry *prometheus.Registry) *running {
	r := &running{
		logger: logger, level: level, registry: registry,
		store: &collector.Store{}, wanted: collector.NewWanted(), loaded: loaded, warned: map[string]string{},
	}
	r.polls = collector.NewMetrics(registry, r.store)
	r.fleet = collector.NewFleet(r.wanted, r.store, r.polls, logger)
	return r
}

// start makes everything for the first time. What it returns has its ports open but does not serve yet; nil if there is no
// extension.
func (r *running) start() (extension Service, err error) {
	if err := r.fleet.Start(r.loaded.members(r.wanted)); err != nil {
		return nil, err
	}
	r.show()
	if r.loaded.Extension != nil {
		if r.service, err = r.loaded.Extension.Build(r.core()); err != nil {
			r.fleet.Close()
			return nil, err
		}
	}
	r.warn()
	return r.service, nil
}

// apply makes the configuration the one that counts, or returns why it cannot be and leaves everything as it is.
func (r *running) apply(next Loaded) error {
	if err := r.loaded.needsRestart(next); err != nil {
		return err
	}
	commit, err := r.fleet.Prepare(next.members(r.wanted))
	if err != nil {
		return err
	}
	// Nothing fails from here on. What shows the clusters comes first, as it is not mistaken if the store has others.
	r.loaded = next
	r.show()
	if next.Extension != nil {
		next.Extension.Adopt(r.service, r.core())
	}
	r.level.Set(next.Config.LogLevel)
	commit()
	r.warn()
	return nil
}

func (r *running) core() Core {
	return Core{
		Config: r.loaded.Config, Store: configuredOnly(r.store, r.loaded.Config), Wanted: r.wanted,
		Registry: r.registry, Logger: r.logger, Live: r.fleet.Live, EachPoll: r.polls.EachPoll,
	}
}

// show has /metrics show what the configuration says, as it says.
func (r *running) show() {
	cfg := r.loaded.Config
	options := dialects(cfg)
	if cfg.ClusterLabel || len(cfg.Clusters) > 1 {
		options = append(options, exporter.LabelClusters)
	}
	r.metrics.set(exporter.New(configuredOnly(r.store, cfg), r.registry, cfg.MaxAge, r.logger, options...))
}

// warn says what others on the network can read of our secrets, once for each cluster as long as it does not change.
func (r *running) warn() {
	for _, cluster := range r.loaded.Config.Clusters {
		exposed := cluster.Kafka.Exposed()
		if exposed != "" && exposed != r.warned[cluster.Name] {
			r.logger.Warn("whoever can listen on the network can read our secret: connect to the brokers by TLS", "cluster", cluster.Name, "settings", exposed)
		}
		r.warned[cluster.Name] = exposed
	}
}
