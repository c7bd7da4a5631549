package exporter

import (
	"bytes"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// One cluster alone is labelled where that is asked for, so that its series go on when there are more.
func TestLabelClusters(t *testing.T) {
	snapshot := compute(observe("east", t0))
	plain, _ := newHandler(prometheus.NewRegistry(), &bytes.Buffer{}, snapshot)
	labelled, _ := newHandler(prometheus.NewRegistry(), &bytes.Buffer{}, snapshot)
	LabelClusters(labelled)
	without, with := get(t, plain).Body.String(), get(t, labelled).Body.String()
	for line := range strings.Lines(with) {
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, `{cluster="east"`) {
			t.Errorf("no label: %s", line)
		}
	}
	for _, label := range []string{`cluster="east",`, `{cluster="east"}`} {
		with = strings.ReplaceAll(with, label, "")
	}
	if without == "" || with != without {
		t.Errorf("besides the label there is\n%s, which should be\n%s", with, without)
	}
}
