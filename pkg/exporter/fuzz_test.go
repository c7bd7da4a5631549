package exporter

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// FuzzNames holds that any bytes as a group's or topic's name give a response that parses, with the name as it is.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"", "orders", `\`, `"`, "\n", "\\n\\\"\r\t\x00", "größe", "\xff\xfe", "a\xc3", "\ufffd", "{}=,# \u2028", strings.Repeat("x", 300)} {
		f.Add(name, "orders")
		f.Add("billing", name)
	}
	f.Fuzz(func(t *testing.T, group, topic string) {
		obs := observe("default", t0)
		obs.Topics, obs.Groups = obs.Topics[1:], obs.Groups[:1]
		obs.Topics[0].Name, obs.Groups[0].Name, obs.Groups[0].Commits[0].Topic, obs.Groups[0].Members = topic, group, topic, nil
		h, _ := newHandler(prometheus.NewRegistry(), &bytes.Buffer{}, compute(obs))
		got, _ := parse(t, get(t, h).Body.Bytes())
		series := model.Metric{model.MetricNameLabel: "kafka_consumergroup_lag", "partition": "0", "consumergroup": model.LabelValue(shown(group)), "topic": model.LabelValue(shown(topic))}
		if value, ok := got[series.String()]; !ok || value != 42 {
			t.Errorf("%s %v (there: %t), want 42", series, value, ok)
		}
		if !utf8.Valid(get(t, h, "Accept", acceptOpenMetrics).Body.Bytes()) {
			t.Error("OpenMetrics must be UTF-8")
		}
	})
}

// shown is the name as it should be seen in Prometheus: itself, unless it is not UTF-8.
func shown(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	return visibleBytes(name)
}

func TestNamesThatAreNotUTF8(t *testing.T) {
	for name, want := range map[string]string{
		"\xff": `\xff`, "a\xc3": `a\xc3`, "\xc3\xa4\xe4": `ä\xe4`, "\ufffd\xfe": "\ufffd\\xfe",
	} {
		if got := visibleBytes(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
}

// FuzzAccept holds that no header is too odd to be answered.
func FuzzAccept(f *testing.F) {
	f.Add("application/openmetrics-text;version=1.0.0;q=0.5,*/*", "gzip;q=0.5")
	f.Add("text/plain;q=NaN", `gzip;q="1"`)
	h, _ := newHandler(ownMetrics(), &bytes.Buffer{}, []*lag.Snapshot{compute(observe("default", t0))}...)
	f.Fuzz(func(t *testing.T, accept, encoding string) {
		w := get(t, h, "Accept", accept, "Accept-Encoding", encoding)
		body := w.Body.Bytes()
		if w.Header().Get("Content-Encoding") == "gzip" {
			body = gunzip(t, body)
		}
		if !bytes.Contains(body, []byte("kafka_consumergroup_lag{")) {
			t.Error("no lag")
		}
	})
}
