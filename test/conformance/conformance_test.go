// Package conformance holds /metrics against the parser that Prometheus itself uses. It is a module of its own, so that
// Prometheus does not become a dependency of the programs. Run it here: go test ./...
package conformance

import (
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// What Prometheus 3 asks for when it wants OpenMetrics, and when it wants text.
const (
	acceptOpenMetrics = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5," +
		"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
	acceptText = "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)

// readAt is when everything was read, and how the exporter must write it.
var readAt = time.Now()

// snapshot is a cluster with one group that has a lag of 42 on partition 0 and no commit on partition 1.
func snapshot(group, topic string) *lag.Snapshot {
	return lag.Compute(nil, &lag.Observation{
		Cluster: "default", StartedAt: readAt, MetadataReadAt: readAt,
		Brokers: []lag.Broker{{ID: 1, Address: "kafka-1.example:9092"}},
		Topics: []lag.Topic{{
			Name: topic,
			Partitions: []lag.Partition{
				{Partition: 0, Leader: 1, PreferredLeader: 1, Replicas: 3, InSyncReplicas: 3},
				{Partition: 1, Leader: 2, PreferredLeader: 1, Replicas: 3, InSyncReplicas: 2},
			},
			Starts: lag.Offsets{Values: []int64{10, 0}, ReadAt: readAt}, Ends: lag.Offsets{Values: []int64{100, 1 << 52}, ReadAt: readAt},
		}},
		Groups: []lag.GroupObservation{{Name: group, Type: lag.GroupClassic, MembersReadAt: readAt, CommitsReadAt: readAt,
			Members: []lag.Member{{ID: "a", Subscribed: []string{topic}}},
			Commits: []lag.TopicCommits{{Topic: topic, Partitions: []lag.Commit{{Partition: 0, Offset: 58}}}}}},
	}, nil)
}

// want are the series of the snapshot, complete.
func want(group, topic string) map[string]float64 {
	g := labels.FromStrings("consumergroup", group)
	gt := labels.FromStrings("consumergroup", group, "topic", topic)
	gtp := func(p string) labels.Labels {
		return labels.FromStrings("consumergroup", group, "topic", topic, "partition", p)
	}
	tp := func(p string) labels.Labels { return labels.FromStrings("topic", topic, "partition", p) }
	series := map[string]float64{}
	add := func(name string, l labels.Labels, value float64) {
		b := labels.NewBuilder(l)
		b.Set(model.MetricNameLabel, name)
		series[b.Labels().String()] = value
	}
	add("kafka_brokers", labels.EmptyLabels(), 1)
	add("kafka_broker_info", labels.FromStrings("address", "kafka-1.example:9092", "id", "1"), 1)
	add("kafka_topic_partitions", labels.FromStrings("topic", topic), 2)
	for partition, values := range map[string][7]float64{"0": {100, 10, 1, 3, 3, 1, 0}, "1": {1 << 52, 0, 2, 3, 2, 0, 1}} {
		for i, name := range []string{"current_offset", "oldest_offset", "leader", "replicas", "in_sync_replica", "leader_is_preferred", "under_replicated_partition"} {
			add("kafka_topic_partition_"+name, tp(partition), values[i])
		}
	}
	add("kafka_consumergroup_current_offset", gtp("0"), 58)
	add("kafka_consumergroup_current_offset_sum", gt, 58)
	add("kafka_consumergroup_lag", gtp("0"), 42)
	add("kafka_consumergroup_lag", gtp("1"), 0)
	add("kafka_consumergroup_lag_sum", gt, 42)
	add("kafka_consumergroup_lost_records_total", gt, 0)
	add("kafka_consumergroup_members", g, 1)
	add("kafka_consumergroup_up", g, 1)
	add("kafka_consumergroup_read_timestamp_seconds", g, float64(readAt.UnixMilli())/1000)
	return series
}

// source is one snapshot.
type source struct{ snapshot *lag.Snapshot }

func (s source) Snapshots() []*lag.Snapshot { return []*lag.Snapshot{s.snapshot} }

func handler(group, topic string, registry *prometheus.Registry) http.Handler {
	return exporter.New(source{snapshot(group, topic)}, registry, time.Hour, slog.New(slog.DiscardHandler))
}

// fetch scrapes and returns the text with its content type.
func fetch(t *testing.T, h http.Handler, accept, encoding string) (text []byte, contentType string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var body io.Reader = w.Body
	if encoding == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		body = unzipped
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return text, w.Header().Get("Content-Type")
}

// exposition is what Prometheus makes of a response.
type exposition struct {
	samples map[string]float64
	types   map[string]model.MetricType
	units   map[string]string
}

func parse(t *testing.T, text []byte, contentType string) exposition {
	t.Helper()
	parser, err := textparse.New(text, contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	x := exposition{map[string]float64{}, map[string]model.MetricType{}, map[string]string{}}
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return x
		}
		if err != nil {
			t.Fatalf("Prometheus does not understand the response: %v\n%s", err, text)
		}
		switch entry {
		case textparse.EntrySeries:
			var l labels.Labels
			parser.Labels(&l)
			_, timestamp, value := parser.Series()
			series := l.WithoutEmpty().String() // as Prometheus stores it
			if _, twice := x.samples[series]; twice || timestamp != nil {
				t.Errorf("%s is there twice (%t) or has a timestamp", series, twice)
			}
			x.samples[series] = value
		case textparse.EntryType:
			name, kind := parser.Type()
			if _, twice := x.types[string(name)]; twice {
				t.Errorf("family %s is there twice", name)
			}
			x.types[string(name)] = kind
		case textparse.EntryUnit:
			name, unit := parser.Unit()
			x.units[string(name)] = string(unit)
		}
	}
}

func TestPrometheusUnderstandsEveryVariant(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, names := range []struct{ group, topic string }{{"billing", "orders"}, {"say \"hi\"\nback\\slash {}=,#", "größe"}} {
		h := handler(names.group, names.topic, registry)
		for accept, mediaType := range map[string]string{acceptOpenMetrics: "application/openmetrics-text", acceptText: "text/plain"} {
			for _, encoding := range []string{"identity", "gzip"} {
				t.Run(names.group+" "+mediaType+" "+encoding, func(t *testing.T) {
					text, contentType := fetch(t, h, accept, encoding)
					if !strings.HasPrefix(contentType, mediaType+";") {
						t.Fatalf("content type %q, want %s", contentType, mediaType)
					}
					got := parse(t, text, contentType)
					ofSnapshot := maps.Clone(got.samples)
					maps.DeleteFunc(ofSnapshot, func(series string, _ float64) bool { return !strings.Contains(series, `__name__="kafka_`) })
					if !maps.Equal(ofSnapshot, want(names.group, names.topic)) {
						t.Errorf("got\n%v\nwant\n%v", ofSnapshot, want(names.group, names.topic))
					}
					if _, ok := got.types["go_goroutines"]; !ok {
						t.Error("the program's own metrics are missing")
					}
					if got.types["kafka_consumergroup_lag"] != model.MetricTypeGauge || got.types["kafka_consumergroup_lag_sum"] != model.MetricTypeUnknown {
						t.Errorf("unexpected types: %v", got.types)
					}
					if mediaType != "text/plain" && got.units["kafka_consumergroup_read_timestamp_seconds"] != "seconds" {
						t.Errorf("unexpected units: %v", got.units)
					}
				})
			}
		}
	}
}

// TestPrometheusUnderstandsDialects scrapes two clusters in all dialects: no family and no series is there twice, and each sample of a
// dialect has its cluster.
func TestPrometheusUnderstandsDialects(t *testing.T) {
	var options []exporter.Option
	for _, d := range exporter.Dialects() {
		options = append(options, exporter.With(d, nil))
	}
	east, west := snapshot("say \"hi\"\nback\\slash {}=,#", "größe"), snapshot("billing", "orders")
	east.Cluster, west.Cluster = "east", "west"
	h := exporter.New(sources{east, west}, prometheus.NewRegistry(), time.Hour, slog.New(slog.DiscardHandler), append(options, exporter.LabelClusters)...)
	for _, accept := range []string{acceptOpenMetrics, acceptText} {
		text, contentType := fetch(t, h, accept, "identity")
		got := parse(t, text, contentType)
		seen := map[string]int{}
		for series := range got.samples {
			name, _, _ := strings.Cut(series[strings.Index(series, `__name__="`)+len(`__name__="`):], `"`)
			seen[name]++
			if !strings.Contains(series, `"east"`) && !strings.Contains(series, `"west"`) {
				t.Errorf("%s has no cluster", series)
			}
		}
		for _, family := range []string{"kminion_kafka_consumer_group_topic_lag", "kafka_consumergroup_group_sum_lag", "burrow_kafka_consumer_lag_total", "kafka_consumergroup_lag_sum"} {
			if seen[family] != 2 {
				t.Errorf("%s: %d series, want one of each cluster", family, seen[family])
			}
		}
	}
}

// sources are several snapshots.
type sources []*lag.Snapshot

func (s sources) Snapshots() []*lag.Snapshot { return s }

// FuzzNames holds that whatever UTF-8 a group or topic is called, Prometheus reads exactly that; and with any other bytes, the
// response as a whole is still good.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"", "orders", `\`, `"`, "\n", "\\n\\\"\r\t\x00", "größe", "\xff\xfe", "a\xc3", "\xa9", "\ufffd", "{}=,# EOF\n# EOF", "\u2028"} {
		f.Add(name, "orders")
		f.Add("billing", name)
	}
	f.Fuzz(func(t *testing.T, group, topic string) {
		h := handler(group, topic, prometheus.NewRegistry())
		for _, accept := range []string{acceptOpenMetrics, acceptText} {
			text, contentType := fetch(t, h, accept, "identity")
			got := parse(t, text, contentType).samples
			if utf8.ValidString(group) && utf8.ValidString(topic) {
				if !maps.Equal(got, want(group, topic)) {
					t.Errorf("%s: got\n%v\nwant\n%v", contentType, got, want(group, topic))
				}
			} else if len(got) != len(want(group, topic)) {
				t.Errorf("%s: %d series, want %d: %v", contentType, len(got), len(want(group, topic)), got)
			}
		}
	})
}
