package exporter

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

const acceptOpenMetrics = "application/openmetrics-text;version=1.0.0"

// ownMetrics is a registry with a counter and a histogram, which the formats write differently.
func ownMetrics() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	polls := prometheus.NewCounter(prometheus.CounterOpts{Name: "kafka_lag_polls_total", Help: "Polls."})
	polls.Add(3)
	duration := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "kafka_lag_poll_seconds", Help: "Time of a poll.", Buckets: []float64{1}})
	duration.Observe(0.5)
	registry.MustRegister(polls, duration)
	return registry
}

func TestGolden(t *testing.T) {
	one := compute(observe("default", t0))
	east, west := compute(observe("east", t0)), compute(observe("west", t0))
	eastMembers, westMembers := compute(assigned("east", t0)), compute(assigned("west", t0))
	for _, test := range []struct {
		file, accept string
		options      []Option
		snapshots    []*lag.Snapshot
	}{
		{"one_cluster.txt", "", nil, []*lag.Snapshot{one}},
		{"one_cluster.openmetrics.txt", acceptOpenMetrics, nil, []*lag.Snapshot{one}},
		{"two_clusters.txt", "", nil, []*lag.Snapshot{east, west}},
		{"no_snapshot.txt", "", nil, nil},
		{"no_snapshot.openmetrics.txt", acceptOpenMetrics, nil, nil},
		{"kminion.txt", "", []Option{With(KMinion, nil)}, []*lag.Snapshot{eastMembers}},
		{"kafka_lag_exporter.txt", "", []Option{With(KafkaLagExporter, nil)}, []*lag.Snapshot{eastMembers}},
		{"burrow.txt", "", []Option{With(Burrow, nil)}, []*lag.Snapshot{eastMembers}},
		{"dialects.openmetrics.txt", acceptOpenMetrics, everyDialect(nil), []*lag.Snapshot{eastMembers, westMembers}},
	} {
		t.Run(test.file, func(t *testing.T) {
			h, _ := newHandlerWith(test.options, ownMetrics(), &bytes.Buffer{}, test.snapshots...)
			got := get(t, h, "Accept", test.accept).Body.Bytes()
			path := filepath.Join("testdata", test.file)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("differs from %s; if that is meant, run: go test ./pkg/exporter -run TestGolden -update\n%s", path, got)
			}
		})
	}
}

func TestLint(t *testing.T) {
	h, _ := newHandlerWith(everyDialect(nil), prometheus.NewRegistry(), &bytes.Buffer{}, compute(assigned("default", t0)))
	problems, err := promlint.New(get(t, h).Body).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasSuffix(p.Metric, "_poll_time_ms") { // the name is kafka-lag-exporter's
			continue
		}
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Names and help texts are written without escaping.
func TestFamilyTexts(t *testing.T) {
	h, _ := newHandlerWith(everyDialect(nil), prometheus.NewRegistry(), &bytes.Buffer{})
	seen := map[string]bool{}
	var families []family
	for _, d := range h.cache.dialects {
		families = append(families, d.families...)
	}
	for _, f := range families {
		if strings.ContainsAny(f.name+f.help+f.unit, "\\\"\n") {
			t.Errorf("%s: help or name would have to be escaped", f.name)
		}
		if f.help == "" || seen[f.name] || !strings.HasSuffix(f.name, f.unit) {
			t.Errorf("%s: no help, twice, or the name does not end in the unit %q", f.name, f.unit)
		}
		seen[f.name] = true
	}
}

// TestEverySeriesOfKnownDashboards holds what the queries of dashboard 7589 and of Strimzi's rules and dashboard need: the names,
// and exactly these labels, as one more would break joins and "by" clauses.
func TestEverySeriesOfKnownDashboards(t *testing.T) {
	h, _ := newHandler(prometheus.NewRegistry(), &bytes.Buffer{}, compute(observe("default", t0)))
	_, families := parse(t, get(t, h).Body.Bytes())
	for _, test := range []struct{ query, metric, labels string }{
		// Dashboard 7589: panels, then variables.
		{`sum(rate(kafka_topic_partition_current_offset{instance="$instance", topic=~"$topic"}[1m])) by (topic)`,
			"kafka_topic_partition_current_offset", "partition,topic"},
		{`sum(kafka_consumergroup_lag{instance="$instance",topic=~"$topic"}) by (consumergroup, topic)`,
			"kafka_consumergroup_lag", "consumergroup,partition,topic"},
		{`sum(delta(kafka_topic_partition_current_offset{instance=~'$instance', topic=~"$topic"}[5m])/5) by (topic)`,
			"kafka_topic_partition_current_offset", "partition,topic"},
		{`sum(delta(kafka_consumergroup_current_offset{instance=~'$instance',topic=~"$topic"}[5m])/5) by (consumergroup, topic)`,
			"kafka_consumergroup_current_offset", "consumergroup,partition,topic"},
		{`sum by(topic) (kafka_topic_partitions{instance="$instance",topic=~"$topic"})`, "kafka_topic_partitions", "topic"},
		{`label_values(kafka_consumergroup_current_offset{job=~"$job"}, instance)`,
			"kafka_consumergroup_current_offset", "consumergroup,partition,topic"},
		{`label_values(kafka_topic_partition_current_offset{instance='$instance',topic!='__consumer_offsets',topic!='--kafka'}, topic)`,
			"kafka_topic_partition_current_offset", "partition,topic"},
		// Strimzi: alerts and dashboard.
		{`kafka_topic_partition_under_replicated_partition > 0`, "kafka_topic_partition_under_replicated_partition", "partition,topic"},
		{`kafka_consumergroup_lag > 1000`, "kafka_consumergroup_lag", "consumergroup,partition,topic"},
		{`changes(kafka_topic_partition_current_offset[10m]) == 0`, "kafka_topic_partition_current_offset", "partition,topic"},
		{`count(kafka_consumergroup_members)`, "kafka_consumergroup_members", "consumergroup"},
		// The rest of the dialect.
		{"", "kafka_brokers", ""},
		{"", "kafka_broker_info", "address,id"},
		{"", "kafka_topic_partition_oldest_offset", "partition,topic"},
		{"", "kafka_topic_partition_leader", "partition,topic"},
		{"", "kafka_topic_partition_replicas", "partition,topic"},
		{"", "kafka_topic_partition_in_sync_replica", "partition,topic"},
		{"", "kafka_topic_partition_leader_is_preferred", "partition,topic"},
		{"", "kafka_consumergroup_current_offset_sum", "consumergroup,topic"},
		{"", "kafka_consumergroup_lag_sum", "consumergroup,topic"},
	} {
		family := families[test.metric]
		if family == nil {
			t.Errorf("%s is missing (%s)", test.metric, test.query)
			continue
		}
		for _, m := range family.Metric {
			var names []string
			for _, l := range m.Label {
				names = append(names, l.GetName())
			}
			if got := strings.Join(names, ","); got != test.labels {
				t.Errorf("%s has labels %s, want %s (%s)", test.metric, got, test.labels, test.query)
			}
		}
	}
}
