//go:build unix

package exporter

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// benchmark100k has about 100,000 series: 400 groups on 100 partitions each, and 40 topics of 50 partitions.
func benchmark100k(b *testing.B, options ...Option) (h *Handler, c *constMetrics) {
	b.Helper()
	registry := prometheus.NewRegistry()
	h, _ = newHandlerWith(options, registry, &bytes.Buffer{}, large(400, 40, 50))
	_, families := parse(b, get(b, h).Body.Bytes())
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return h, newConstMetrics(families)
}

// constMetrics is the usual way to write an exporter: a collector that makes a const metric of every value at every scrape. It
// is spared the work of finding the values.
type constMetrics struct {
	registry *prometheus.Registry
	series   int
	descs    []*prometheus.Desc
	values   [][]constMetric // by desc
}

type constMetric struct {
	value  float64
	labels []string
}

func newConstMetrics(families map[string]*dto.MetricFamily) *constMetrics {
	c := &constMetrics{registry: prometheus.NewRegistry()}
	for _, f := range families {
		var names []string
		var values []constMetric
		for i, m := range f.Metric {
			metric := constMetric{value: m.GetGauge().GetValue() + m.GetUntyped().GetValue()}
			for _, l := range m.Label {
				if i == 0 {
					names = append(names, l.GetName())
				}
				metric.labels = append(metric.labels, l.GetValue())
			}
			values = append(values, metric)
		}
		c.descs = append(c.descs, prometheus.NewDesc(f.GetName(), f.GetHelp(), names, nil))
		c.values = append(c.values, values)
		c.series += len(values)
	}
	c.registry.MustRegister(c)
	return c
}

func (c *constMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

func (c *constMetrics) Collect(ch chan<- prometheus.Metric) {
	for i, d := range c.descs {
		for _, v := range c.values[i] {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v.value, v.labels...)
		}
	}
}

// scrape gathers and encodes everything as client_golang's handler does.
func (c *constMetrics) scrape(b *testing.B) {
	families, err := c.registry.Gather()
	if err != nil {
		b.Fatal(err)
	}
	encoder := expfmt.NewEncoder(io.Discard, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, f := range families {
		if err := encoder.Encode(f); err != nil {
			b.Fatal(err)
		}
	}
}

// discard is a client that takes everything at once.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

func scrapeRequest(b *testing.B, v variant) *http.Request {
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil)
	if v.gzip {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	if v.format == openMetrics {
		r.Header.Set("Accept", acceptOpenMetrics)
	}
	return r
}

// variants are named for sub-benchmarks.
func variants() map[string]variant {
	return map[string]variant{"text": {}, "text-gzip": {gzip: true}, "openmetrics": {format: openMetrics}, "openmetrics-gzip": {format: openMetrics, gzip: true}}
}

func BenchmarkEncode100k(b *testing.B) {
	h, c := benchmark100k(b)
	for name, v := range variants() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				size = 0
				for _, chunk := range h.cache.encode(v, h.cache.source.Snapshots(), t0).chunks {
					size += len(chunk)
				}
			}
			b.ReportMetric(float64(size)/float64(c.series), "B/series")
		})
	}
}

func BenchmarkScrapeCached100k(b *testing.B) {
	h, _ := benchmark100k(b)
	for name, v := range variants() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r, w := scrapeRequest(b, v), &discard{http.Header{}}
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
		})
	}
}

func BenchmarkConstMetrics100k(b *testing.B) {
	_, c := benchmark100k(b)
	b.ReportAllocs()
	for b.Loop() {
		c.scrape(b)
	}
}

// BenchmarkRatios does the three in turns, and reports their CPU time as percentages of one scrape of const metrics. Goals: encode
// at most 10 %, cached at most 1 %.
func BenchmarkRatios(b *testing.B) { benchmarkRatios(b) }

// BenchmarkRatiosOfDialects does so with all dialects, which are more than three times the series.
func BenchmarkRatiosOfDialects(b *testing.B) { benchmarkRatios(b, everyDialect(nil)...) }

func benchmarkRatios(b *testing.B, options ...Option) {
	h, c := benchmark100k(b, options...)
	base := &step{unit: "const-ms", times: 1, run: func() { c.scrape(b) }}
	steps := []*step{base}
	for name, v := range variants() {
		r, w := scrapeRequest(b, v), &discard{http.Header{}}
		steps = append(steps,
			&step{unit: "encode-" + name + "-%", times: 5, run: func() { h.cache.encode(v, h.cache.source.Snapshots(), t0) }},
			&step{unit: "cached-" + name + "-%", times: 50, run: func() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}})
	}
	for b.Loop() {
		for _, s := range steps {
			s.measure(b)
		}
	}
	b.ReportMetric(1000*base.spent.Seconds()/float64(b.N), base.unit)
	for _, s := range steps[1:] {
		b.ReportMetric(100*s.spent.Seconds()/float64(s.times)/base.spent.Seconds(), s.unit)
	}
	b.ReportMetric(float64(c.series), "series")
	b.ReportMetric(0, "ns/op") // the sum of all means nothing
}

// step is one of the things that are compared.
type step struct {
	unit  string
	times int // repeated, as the clock of CPU time is coarse
	run   func()
	spent time.Duration
}

func (s *step) measure(b *testing.B) {
	runtime.GC() // the garbage of the step before is not this one's
	before := cpuTime(b)
	for range s.times {
		s.run()
	}
	s.spent += cpuTime(b) - before
}

func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
