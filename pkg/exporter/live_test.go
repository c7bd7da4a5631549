package exporter

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
)

func TestOwnMetricsAreLive(t *testing.T) {
	registry := prometheus.NewRegistry()
	scrapes := prometheus.NewCounter(prometheus.CounterOpts{Name: "scrapes_total", Help: "Scrapes."})
	registry.MustRegister(scrapes)
	h, _ := newHandler(registry, &bytes.Buffer{}, compute(observe("default", t0)))
	for want := 1.0; want <= 2; want++ {
		scrapes.Inc()
		if got, _ := parse(t, gunzip(t, get(t, h, "Accept-Encoding", "gzip").Body.Bytes())); got["scrapes_total"] != want || got[billingLag0] != 42 {
			t.Errorf("scrapes_total %v, want %v; %s %v", got["scrapes_total"], want, billingLag0, got[billingLag0])
		}
	}
}

// Whatever is wrong with own metrics, lag is served, with what can be had of the others, and it is logged once.
func TestFailingOwnMetrics(t *testing.T) {
	good, _ := ownMetrics().Gather()
	untyped := dto.MetricType(99)
	for name, test := range map[string]struct {
		families []*dto.MetricFamily
		err      error
		log      string
	}{
		"a collector fails":  {good, errors.New("collector broke"), "collector broke"},
		"a name of ours":     {append(good, &dto.MetricFamily{Name: new("kafka_brokers"), Type: dto.MetricType_GAUGE.Enum()}), nil, "kafka_brokers is a series of snapshots"},
		"an unknown type":    {append(good, &dto.MetricFamily{Name: new("odd"), Help: new("Odd."), Type: &untyped, Metric: []*dto.Metric{{}}}), nil, "encoding odd"},
		"a value is missing": {append(good, &dto.MetricFamily{Name: new("odd"), Help: new("Odd."), Type: dto.MetricType_GAUGE.Enum(), Metric: []*dto.Metric{{}}}), nil, "encoding odd"},
	} {
		for _, accept := range []string{"", acceptOpenMetrics} {
			t.Run(name+" "+accept, func(t *testing.T) {
				var logs bytes.Buffer
				families, err := test.families, test.err
				h, _ := newHandler(prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return families, err }), &logs, compute(observe("default", t0)))
				for range 3 {
					body := get(t, h, "Accept", accept).Body.String()
					if !strings.Contains(body, "\nkafka_lag_polls_total 3") || !strings.Contains(body, "kafka_consumergroup_lag{") ||
						strings.Contains(body, "odd") || strings.Count(body, "# TYPE kafka_brokers ") != 1 {
						t.Errorf("unexpected response:\n%s", body)
					}
				}
				if n := strings.Count(logs.String(), "\n"); n != 1 || !strings.Contains(logs.String(), test.log) {
					t.Errorf("%d lines of log, want 1 with %q:\n%s", n, test.log, &logs)
				}
				families, err = good, nil
				get(t, h)
				get(t, h)
				if n := strings.Count(logs.String(), "\n"); n != 2 || !strings.Contains(logs.String(), "again") {
					t.Errorf("%d lines of log, want one more that says that it is over:\n%s", n, &logs)
				}
			})
		}
	}
}

// The Go collector has go_memstats_alloc_bytes and go_memstats_alloc_bytes_total.
func TestNoFamilyTwiceInOpenMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector())
	h, _ := newHandler(registry, &bytes.Buffer{})
	for accept, kind := range map[string]string{"": "counter", acceptOpenMetrics: "unknown"} {
		body := get(t, h, "Accept", accept).Body.String()
		for _, line := range []string{"# TYPE go_memstats_alloc_bytes gauge\n", "# TYPE go_memstats_alloc_bytes_total " + kind + "\n"} {
			if strings.Count(body, line) != 1 {
				t.Errorf("%q is not there once:\n%s", line, body)
			}
		}
		if !strings.Contains(body, "\ngo_memstats_alloc_bytes_total ") {
			t.Errorf("the counter is missing:\n%s", body)
		}
	}
}
