package app

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/exporter"
)

// What may be configured is what there is: an unknown dialect would add nothing, quietly.
func TestDialectsAreThoseThatCanBeConfigured(t *testing.T) {
	configured := []string{config.DialectBurrow, config.DialectKafkaLagExporter, config.DialectKMinion}
	var served []string
	for _, d := range exporter.Dialects() {
		served = append(served, string(d))
	}
	slices.Sort(configured)
	slices.Sort(served)
	if !slices.Equal(configured, served) {
		t.Errorf("configured: %v, served: %v", configured, served)
	}
}

func TestDialectsOfGroups(t *testing.T) {
	kafka := newKafka(t)
	file := t.TempDir() + "/config.yaml"
	if err := os.WriteFile(file, []byte("groups: [{match: bill.*, dialects: [kminion]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "--brokers="+strings.Join(kafka.ListenAddrs(), ","), "--config="+file, "--dialect=burrow")
	p.await("the lag", func() bool {
		return p.exposes(`kminion_kafka_consumer_group_topic_lag{group_id="billing",topic_name="orders"} 6`)
	})
	_, body := p.get("/metrics")
	if strings.Contains(body, "burrow_kafka_consumer") || !strings.Contains(body, `burrow_kafka_topic_partition_offset{cluster="default"`) {
		t.Errorf("the rule takes the group out of the other dialect, but not the topic:\n%s", body)
	}
}

func TestDialectsWithoutRulesMatchNoGroups(t *testing.T) {
	if got := dialects(config.Config{}); got != nil {
		t.Errorf("%d dialects without being asked for", len(got))
	}
	rule := config.GroupRule{Match: regexp.MustCompile("a"), Dialects: []string{"burrow"}}
	if got := dialects(config.Config{Dialects: []string{"kminion"}, GroupRules: []config.GroupRule{rule}, MaxAge: time.Minute}); len(got) != 2 {
		t.Errorf("%d dialects, want 2", len(got))
	}
}
