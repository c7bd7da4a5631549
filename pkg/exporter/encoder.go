package exporter

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// chunkSize is how many bytes are collected before they go to the sink. A chunk may get longer by one sample.
const chunkSize = 64 << 10

// family is one metric family and how its samples follow from a snapshot. All texts in it are constants that need no escaping.
type family struct {
	name  string
	help  string
	kind  string // of the text format: gauge if empty
	unit  string // of OpenMetrics, the end of name; empty for most
	write func(e *encoder, s *lag.Snapshot)
}

// sink takes the encoded bytes, and must not keep the slice.
type sink interface {
	take(chunk []byte)
}

// encoder writes snapshots as text in one of the formats, and notes how long what it wrote may be served.
type encoder struct {
	format format
	now    time.Time
	maxAge time.Duration
	oldest time.Time // when the oldest value written was read; zero if none of them ages

	out sink
	buf []byte

	name    string // of the family under way
	wrote   bool   // a sample of it
	cluster string // of the snapshot under way; empty if samples have no such label
	owners  ownership
	// clusterLabel and names are what the dialect under way calls its labels.
	clusterLabel string
	names        labelNames
	// series is the name and labels of the samples to come. Where a label varies, its value belongs at gap.
	series []byte
	gap    int
}

// encode writes the families of all dialects and snapshots to out, and returns the moment after which they must not be served any more; zero
// if there is none.
func encode(dialects []dialect, snapshots []*lag.Snapshot, format format, now time.Time, maxAge time.Duration, labelled bool, out sink) time.Time {
	e := &encoder{format: format, now: now, maxAge: maxAge, out: out, buf: make([]byte, 0, chunkSize+chunkSize/8)}
	for i := range dialects {
		d := &dialects[i]
		view := d.view(snapshots)
		e.names, e.clusterLabel = d.names, cmp.Or(d.cluster, "cluster")
		for j := range d.families {
			e.family(&d.families[j], view, d.cluster != "" || labelled || len(snapshots) > 1)
		}
	}
	e.out.take(e.buf)
	if e.oldest.IsZero() {
		return time.Time{}
	}
	return e.oldest.Add(maxAge)
}

// family writes one family, or nothing at all if it has no samples.
func (e *encoder) family(f *family, snapshots []*lag.Snapshot, withCluster bool) {
	start := len(e.buf)
	e.name = f.name
	if f.kind == counter && e.format == openMetrics { // which names a family of counters without the suffix of its samples
		e.name = strings.TrimSuffix(f.name, "_total")
	}
	e.comment("HELP", f.help)
	e.comment("TYPE", e.typeName(f))
	if f.unit != "" && e.format == openMetrics {
		e.comment("UNIT", f.unit)
	}
	e.name = f.name
	e.wrote = false
	for _, s := range snapshots {
		e.cluster = ""
		if withCluster {
			e.cluster = s.Cluster
		}
		f.write(e, s)
	}
	if !e.wrote {
		e.buf = e.buf[:start]
	}
}

func (e *encoder) typeName(f *family) string {
	switch {
	case f.kind == "":
		return "gauge"
	case f.kind == untyped && e.format == openMetrics:
		return "unknown"
	}
	return f.kind
}

// The kinds of families that are no gauges.
const (
	untyped = "untyped"
	counter = "counter" // the name ends in _total
)

func (e *encoder) comment(keyword, text string) {
	e.buf = append(e.buf, "# "...)
	e.buf = append(e.buf, keyword...)
	e.buf = append(e.buf, ' ')
	e.buf = append(e.buf, e.name...)
	e.buf = append(e.buf, ' ')
	e.buf = append(e.buf, text...)
	e.buf = append(e.buf, '\n')
}

// label is a label of the samples to come. The value of one that varies comes with each sample.
type label struct {
	name, value string
	varies      bool
}

// at sets the labels of the samples to come.
func (e *encoder) at(labels ...label) {
	e.series = append(e.series[:0], e.name...)
	separator := byte('{')
	if e.cluster != "" {
		e.label(separator, label{name: e.clusterLabel, value: e.cluster})
		separator = ','
	}
	for _, l := range labels {
		e.label(separator, l)
		separator = ','
	}
	if separator == ',' {
		e.series = append(e.series, '}')
	}
	e.series = append(e.series, ' ')
}

func (e *encoder) label(separator byte, l label) {
	e.series = append(e.series, separator)
	e.series = append(e.series, l.name...)
	e.series = append(e.series, '=', '"')
	if l.varies {
		e.gap = len(e.series)
	} else {
		e.series = appendLabelValue(e.series, l.value)
	}
	e.series = append(e.series, '"')
}

// sample writes one sample.
func (e *encoder) sample(value int64) {
	e.buf = append(e.buf, e.series...)
	e.buf = strconv.AppendInt(e.buf, value, 10)
	e.end()
}

// sampleAt writes one sample of which the label that varies has the value given.
func (e *encoder) sampleAt(varying int32, value int64) {
	e.buf = append(e.buf, e.series[:e.gap]...)
	e.buf = strconv.AppendInt(e.buf, int64(varying), 10)
	e.buf = append(e.buf, e.series[e.gap:]...)
	e.buf = strconv.AppendInt(e.buf, value, 10)
	e.end()
}

// timestamp writes one sample in seconds of Unix time.
func (e *encoder) timestamp(t time.Time) {
	e.buf = append(e.buf, e.series...)
	e.buf = strconv.AppendFloat(e.buf, float64(t.UnixMilli())/1000, 'f', -1, 64)
	e.end()
}

func (e *encoder) end() {
	e.wrote = true
	e.buf = append(e.buf, '\n')
	if len(e.buf) >= chunkSize {
		e.out.take(e.buf)
		e.buf = e.buf[:0]
	}
}

// ages notes that a value read at the given time has been written.
func (e *encoder) ages(readAt time.Time) {
	if e.oldest.IsZero() || readAt.Before(e.oldest) {
		e.oldest = readAt
	}
}

// appendLabelValue appends the value escaped as both formats want it. Kafka's names are bytes, while one label value that is not
// UTF-8 makes Prometheus refuse a whole scrape: a byte that is not is shown as \xff, as Go does.
func appendLabelValue(dst []byte, value string) []byte {
	if !utf8.ValidString(value) {
		value = visibleBytes(value)
	}
	start := 0
	for i := range len(value) {
		var escaped string
		switch value[i] {
		case '\\':
			escaped = `\\`
		case '"':
			escaped = `\"`
		case '\n':
			escaped = `\n`
		default:
			continue
		}
		dst = append(dst, value[start:i]...)
		dst = append(dst, escaped...)
		start = i + 1
	}
	return append(dst, value[start:]...)
}

// visibleBytes replaces each byte that is not part of valid UTF-8.
func visibleBytes(value string) string {
	var b strings.Builder
	for i, r := range value {
		if r == utf8.RuneError && !strings.HasPrefix(value[i:], string(utf8.RuneError)) {
			fmt.Fprintf(&b, `\x%02x`, value[i])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
