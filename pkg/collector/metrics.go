package collector

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Metrics are the collector's own, for all clusters.
type Metrics struct {
	// eachPoll, unless it is nil, is called with each poll that has ended.
	eachPoll func(Poll)

	pollDuration *prometheus.HistogramVec
	readErrors   *prometheus.CounterVec
	clusterUp    *prometheus.GaugeVec
	clusterRead  *prometheus.GaugeVec
	brokerRead   *prometheus.GaugeVec
	brokerUp     *prometheus.GaugeVec
	lacking      *prometheus.GaugeVec
	wantedGroups *prometheus.GaugeVec
	uncollected  *prometheus.GaugeVec
}

// NewMetrics registers the collector's metrics.
func NewMetrics(registerer prometheus.Registerer, store *Store) *Metrics {
	m := &Metrics{
		pollDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "kafka_lag_collector_poll_duration_seconds",
			Help:    "Time that one collection took, from its first request to the last answer: of the whole cluster, or of the groups that the metrics API was asked for.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"cluster", "lane"}),
		readErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kafka_lag_collector_read_errors_total",
			Help: "Items (cluster, brokers, topics, partition offsets, consumer groups, their members) that a collection could not read, by class of error.",
		}, []string{"cluster", "class"}),
		clusterUp: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kafka_lag_collector_cluster_up",
			Help: "1 if the latest collection could read the cluster's metadata, 0 if no broker answered for it.",
		}, []string{"cluster"}),
		clusterRead: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kafka_lag_collector_cluster_last_success_timestamp_seconds",
			Help: "Unix time at which the latest collection began that read the cluster's metadata and complete list of groups.",
		}, []string{"cluster"}),
		brokerRead: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kafka_lag_collector_broker_last_success_timestamp_seconds",
			Help: "Unix time at which the latest collection began in which the broker answered every request.",
		}, []string{"cluster", "broker"}),
		brokerUp: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kafka_lag_collector_broker_up",
			Help: "1 if the broker answered every request of the latest collection, 0 if it did not.",
		}, []string{"cluster", "broker"}),
		lacking: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kafka_lag_collector_lacking",
			Help: "Always 1; the labels say which broker is too old for what.",
		}, []string{"cluster", "broker", "capability"}),
		wantedGroups: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kafka_lag_collector_wanted_groups",
			Help: "Consumer groups that the metrics API was asked for lately, and that are therefore read more often than all others.",
		}, []string{"cluster"}),
		uncollected: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kafka_lag_collector_uncollected_groups",
			Help: "Consumer groups that exist but are beyond --max-groups or --max-partitions, so that nothing is known of them.",
		}, []string{"cluster"}),
	}
	registerer.MustRegister(m.pollDuration, m.readErrors, m.clusterUp, m.clusterRead, m.brokerRead, m.brokerUp, m.lacking, m.wantedGroups,
		m.uncollected, newAgeCollector(store))
	return m
}

// observe takes in one collection that has just ended.
func (m *Metrics) observe(obs *lag.Observation, found problems) {
	cluster := prometheus.Labels{"cluster": obs.Cluster}
	m.ended(obs, "all")
	for _, class := range lag.Classes() { // all of them from the start: a rate needs a first value
		m.readErrors.WithLabelValues(obs.Cluster, string(class))
	}
	m.count(obs.Cluster, found)
	if obs.MetadataErr != nil {
		m.brokerUp.DeletePartialMatch(cluster) // which brokers there are is not known; cluster_up says the rest
		m.clusterUp.With(cluster).Set(0)
		return
	}
	m.clusterUp.With(cluster).Set(1)
	began := unixSeconds(obs.StartedAt)
	if obs.ListingErr == nil {
		m.clusterRead.With(cluster).Set(began)
	}
	m.uncollected.With(cluster).Set(float64(len(obs.Uncollected)))
	m.brokerUp.DeletePartialMatch(cluster) // brokers that left must not linger
	m.lacking.DeletePartialMatch(cluster)
	for i := range obs.Brokers {
		broker := strconv.Itoa(int(obs.Brokers[i].ID))
		for _, capability := range obs.Brokers[i].Lacking {
			m.lacking.WithLabelValues(obs.Cluster, broker, string(capability)).Set(1)
		}
		if obs.Brokers[i].Err != nil {
			m.brokerUp.WithLabelValues(obs.Cluster, broker).Set(0)
			continue
		}
		m.brokerUp.WithLabelValues(obs.Cluster, broker).Set(1)
		m.brokerRead.WithLabelValues(obs.Cluster, broker).Set(began)
	}
}

// forget drops every series of a cluster.
func (m *Metrics) forget(cluster string) {
	of := prometheus.Labels{"cluster": cluster}
	m.pollDuration.DeletePartialMatch(of)
	m.readErrors.DeletePartialMatch(of)
	for _, gauge := range []*prometheus.GaugeVec{m.clusterUp, m.clusterRead, m.brokerRead, m.brokerUp, m.lacking, m.wantedGroups, m.uncollected} {
		gauge.DeletePartialMatch(of)
	}
}

// wanted takes in how many groups are wanted.
func (m *Metrics) wanted(cluster string, groups int) {
	m.wantedGroups.WithLabelValues(cluster).Set(float64(groups))
}

// noneWanted drops the number of wanted groups of a cluster, where they are not read more often any more.
func (m *Metrics) noneWanted(cluster string) {
	m.wantedGroups.DeleteLabelValues(cluster)
}

// observeWanted takes in one collection of wanted groups that has just ended.
func (m *Metrics) observeWanted(obs *lag.Observation, found problems) {
	m.ended(obs, "wanted")
	m.count(obs.Cluster, found)
}

func (m *Metrics) count(cluster string, found problems) {
	for _, p := range found {
		m.readErrors.WithLabelValues(cluster, string(p.class)).Add(float64(p.count))
	}
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// ageCollector works the age of each snapshot out at the scrape, so that it goes on growing when the poll loop hangs.
type ageCollector struct {
	store *Store
	desc  *prometheus.Desc
}

func newAgeCollector(store *Store) *ageCollector {
	return &ageCollector{store: store, desc: prometheus.NewDesc("kafka_lag_collector_snapshot_age_seconds",
		"Time since the collection began that made the snapshot now served.", []string{"cluster"}, nil)}
}

func (c *ageCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

func (c *ageCollector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.store.Snapshots() {
		if s.TakenAt.IsZero() {
			continue // no collection has ended
		}
		ch <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, time.Since(s.TakenAt).Seconds(), s.Cluster)
	}
}
