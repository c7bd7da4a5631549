package metricsapi

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/adapter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kube"
)

//go:generate go test . -run ^TestMetricsPage$ -update

var update = flag.Bool("update", false, "write the page anew")

// ownHead begins the part of the page that is about lag-adapter; package app writes what comes before.
const ownHead = `
## lag-adapter

It alone has these, and ` + "`metrics_apiserver_metric_freshness_seconds`" + `, the API server library's histogram of the same ages, which begins at a
second. The library's other metrics are at ` + "`/metrics`" + ` of the secure port, for those who may read them.

| series | type | labels | meaning |
| --- | --- | --- | --- |
`

// TestMetricsPage holds the part of docs/metrics.md that is about lag-adapter.
func TestMetricsPage(t *testing.T) {
	const page = "../../../docs/metrics.md"
	current, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	heading := strings.Join(strings.SplitAfter(ownHead, "\n")[:2], "")
	common, own, _ := strings.Cut(string(current), heading)
	want := ownHead + strings.Join(rows(t), "")
	if *update {
		if err := os.WriteFile(page, []byte(common+want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if heading+own != want {
		t.Errorf("%s is not current; run make generate", page)
	}
}

func rows(t *testing.T) (rows []string) {
	t.Helper()
	registry := prometheus.NewRegistry()
	adapter.NewAges(registry)
	adapter.CountRequests(nil, registry)
	pods := kube.NewPods(fake.NewClientset(), slog.New(slog.DiscardHandler))
	pods.Register(registry)
	go func() { _ = pods.Run(t.Context()) }()
	for tick := time.NewTicker(time.Millisecond); !pods.Synced(); {
		<-tick.C
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 3 {
		t.Fatalf("%d families, %v", len(families), err)
	}
	for _, family := range families {
		var labels []string
		for _, l := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s |\n", family.GetName(), strings.ToLower(family.GetType().String()), strings.Join(labels, " "), family.GetHelp()))
	}
	return rows
}
