package app

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

//go:generate go test . -run ^TestMetricsPage$ -update

// metricsPage is written from what the programs expose, by `make generate`.
const metricsPage = "../../docs/metrics.md"

const pageHead = `# Metrics

What both programs serve at ` + "`/metrics`" + `. This page is generated from a scrape (` + "`make generate`" + `) and a test holds it true. Besides these
there are the Go runtime's (` + "`go_*`" + `) and the process's (` + "`process_*`" + `).

A series that is not known is absent: there is no sentinel and no zero for it.

` + tableHead

const tableHead = `| series | type | labels | meaning |
| --- | --- | --- | --- |
`

var update = flag.Bool("update", false, "write the page anew")

// ownHead begins what pkg/app/metricsapi writes.
const ownHead = "\n## lag-adapter\n"

func TestMetricsPage(t *testing.T) {
	current, err := os.ReadFile(metricsPage)
	_, own, _ := strings.Cut(string(current), ownHead)
	page := pageHead + strings.Join(rows(t), "") + dialectTables(t) + ownHead + own
	if *update {
		if err := os.WriteFile(metricsPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil || string(current) != page {
		t.Errorf("%s is not current (%v); run make generate", metricsPage, err)
	}
}

// dialectTables has a table for each dialect, of what it adds.
func dialectTables(t *testing.T) string {
	t.Helper()
	var tables strings.Builder
	always := rows(t)
	for _, dialect := range exporter.Dialects() {
		added := slices.DeleteFunc(rows(t, exporter.With(dialect, nil)), func(row string) bool { return slices.Contains(always, row) })
		if len(added) < 3 {
			t.Fatalf("%s adds only %q", dialect, added)
		}
		fmt.Fprintf(&tables, "\n## Dialect %s\n\nBesides those above, with `--dialect=%s`.\n\n%s%s", dialect, dialect, tableHead, strings.Join(added, ""))
	}
	return tables.String()
}

// rows makes one line of the table for each family.
func rows(t *testing.T, options ...exporter.Option) []string {
	t.Helper()
	var rows []string
	for name, family := range families(t, options...) {
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		var labels []string
		for _, l := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s |\n", name, strings.ToLower(family.GetType().String()), strings.Join(labels, " "), family.GetHelp()))
	}
	slices.Sort(rows)
	if len(rows) < 20 {
		t.Fatalf("only %d families were scraped", len(rows))
	}
	return rows
}

// families scrapes a handler whose snapshot has every series.
func families(t *testing.T, options ...exporter.Option) map[string]*dto.MetricFamily {
	t.Helper()
	registry, store := newRegistry(), &collector.Store{}
	newReloadMetrics(registry, "lag-exporter", "0")
	metrics := collector.NewMetrics(registry, store)
	logger := slog.New(slog.DiscardHandler)
	poller := collector.New(collector.Config{Interval: time.Hour, WantedInterval: time.Millisecond}, oneOfEach{}, collector.NewWanted(), store, metrics, logger)
	go func() { _ = poller.Run(t.Context()) }()
	handler := exporter.New(store, registry, time.Hour, logger, options...)
	for {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
		parser := expfmt.NewTextParser(model.UTF8Validation)
		all, err := parser.TextToMetricFamilies(recorder.Body)
		if err != nil {
			t.Fatal(err)
		}
		if all["kafka_lag_collector_cluster_up"] != nil && all["kafka_lag_collector_wanted_groups"] != nil && all["kafka_consumergroup_lag"] != nil { // the poll is over
			return all
		}
		select {
		case <-t.Context().Done():
			t.Fatal("no poll")
		case <-time.After(time.Millisecond):
		}
	}
}

// oneOfEach reads a cluster that has one of everything.
type oneOfEach struct{}

func (oneOfEach) ReadGroups(context.Context, *lag.Snapshot, []string) *lag.Observation { return nil }

func (oneOfEach) Read(context.Context, *lag.Snapshot) *lag.Observation {
	now := time.Now()
	return &lag.Observation{
		Cluster: "default", StartedAt: now, EndedAt: now.Add(time.Second), MetadataReadAt: now,
		Brokers: []lag.Broker{{ID: 1, Address: "kafka:9092", Lacking: []lag.Capability{lag.CapabilityTopicIDs}}},
		Topics: []lag.Topic{{
			Name: "orders", Partitions: []lag.Partition{{Leader: 1, PreferredLeader: 1, Replicas: 3, InSyncReplicas: 3}},
			Starts: lag.Offsets{Values: []int64{0}, ReadAt: now}, Ends: lag.Offsets{Values: []int64{9}, ReadAt: now},
		}},
		Groups: []lag.GroupObservation{{
			Name: "billing", Type: lag.GroupClassic, ProtocolType: "consumer", State: "Stable", MembersReadAt: now, CommitsReadAt: now,
			Members: []lag.Member{{ID: "1", Assigned: []lag.TopicPartitions{{Topic: "orders", Partitions: []int32{0}}}}, {ID: "2"}},
			Commits: []lag.TopicCommits{{Topic: "orders", Partitions: []lag.Commit{{Offset: 4}}}},
		}},
	}
}
