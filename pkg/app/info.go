package app

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/version"
)

// newRegistry returns the registry of the program's own metrics, with those of the process.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// reloadMetrics say which build runs with which configuration, and how the latest reload went. The load at the start counts as one.
type reloadMetrics struct {
	successful prometheus.Gauge
	at         prometheus.Gauge
	info       *prometheus.Desc
	hash       atomic.Pointer[string] // of the configuration that counts
}

func newReloadMetrics(registerer prometheus.Registerer, program, hash string) *reloadMetrics {
	m := &reloadMetrics{
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "kafka_lag_config_last_reload_successful",
			Help: "1 if the configuration that was loaded last counts, 0 if it was refused and the one before goes on to count.",
		}),
		at: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "kafka_lag_config_last_reload_success_timestamp_seconds",
			Help: "Unix time at which the configuration that counts was loaded last.",
		}),
		info: prometheus.NewDesc("kafka_lag_build_info",
			"Always 1; the labels say which build of which program this is, and tell configurations apart: config_hash is the same as long as every setting is.",
			[]string{"config_hash"}, prometheus.Labels{"program": program, "version": version.Version(), "revision": version.Revision()}),
	}
	m.succeeded(hash)
	registerer.MustRegister(m.successful, m.at, m)
	return m
}

func (m *reloadMetrics) succeeded(hash string) {
	m.hash.Store(&hash)
	m.successful.Set(1)
	m.at.SetToCurrentTime()
}

func (m *reloadMetrics) failed() { m.successful.Set(0) }

// Describe implements prometheus.Collector for the build.
func (m *reloadMetrics) Describe(ch chan<- *prometheus.Desc) { ch <- m.info }

// Collect implements prometheus.Collector for the build.
func (m *reloadMetrics) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(m.info, prometheus.GaugeValue, 1, *m.hash.Load())
}
