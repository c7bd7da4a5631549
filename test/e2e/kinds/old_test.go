package kinds

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

// TestOldKafka runs against Kafka 3.3, which knows classic groups only (row 12): their lag is right, and what the broker lacks is
// named, in a series and once in the log.
func TestOldKafka(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	old, err := kafka.Start(ctx, kafka.Config{Libs: shared.where.OldKafkaLibs(), Dir: filepath.Join(shared.dir, "kafka-old"), Nodes: 1})
	try(t, err)
	t.Cleanup(func() { try(t, old.Close()) })
	truth, err := oracle.Start(ctx, oracle.Config{ // today's AdminClient, as today's exporter
		Libs: shared.where.KafkaLibs(), Dir: filepath.Join(shared.dir, "oracle-old"), Bootstrap: old.Bootstrap(),
	})
	try(t, err)
	t.Cleanup(func() { try(t, truth.Close()) })

	const topic = "old"
	clients := workload.Kafka{Bootstrap: old.Bootstrap()}
	try(t, clients.CreateTopic(ctx, topic, 3))
	try(t, clients.Produce(ctx, topic, 30))
	try(t, clients.Consume(ctx, "old-empty", topic, 4))
	try(t, clients.Commit(ctx, "old-only-commits", topic, map[int32]int64{0: 2, 2: 9}))
	member, err := clients.Join("old-member-earliest", topic)
	try(t, err)
	t.Cleanup(member.Close)
	try(t, member.Consume(ctx, 6))

	const name = "lag-exporter-old"
	exporter, err := startExporter(ctx, shared, name, old.Bootstrap())
	try(t, err)
	t.Cleanup(func() { try(t, exporter.stop()) })
	agrees(ctx, t, truth, exporter, "old-")
	checkLacking(ctx, t, exporter, filepath.Join(shared.dir, name+".log"))
}

// checkLacking wants the capabilities that Kafka 3.3 lacks to be named, and no other.
func checkLacking(ctx context.Context, t *testing.T, e *exporter, log string) {
	t.Helper()
	lacking := []string{
		"group_types", "consumer_group_describe", "share_group_describe", "share_group_lag", "streams_group_describe",
	}
	try(t, await.Until(ctx, "what the broker lacks", func(ctx context.Context) error {
		got, err := e.scrape(ctx)
		if err != nil {
			return err
		}
		named := 0
		for s, v := range got {
			if strings.HasPrefix(s, "kafka_lag_collector_lacking ") && v == 1 {
				named++
			}
		}
		var missing []error
		for _, capability := range lacking {
			found := false
			for s := range got {
				found = found || strings.HasPrefix(s, "kafka_lag_collector_lacking ") && strings.Contains(s, "capability="+capability)
			}
			if !found {
				missing = append(missing, fmt.Errorf("kafka_lag_collector_lacking does not name %s", capability))
			}
		}
		if named > len(lacking) {
			missing = append(missing, fmt.Errorf("kafka_lag_collector_lacking names %d capabilities, want %v", named, lacking))
		}
		return errors.Join(missing...)
	}))
	read := series.Name("kafka_consumergroup_read_timestamp_seconds", "consumergroup", "old-empty")
	first, err := e.scrape(ctx)
	try(t, err)
	try(t, await.Until(ctx, "some polls more", func(ctx context.Context) error {
		got, err := e.scrape(ctx)
		if err == nil && got[read] < first[read]+3 {
			err = errors.New("not yet")
		}
		return err
	}))
	text, err := os.ReadFile(log)
	try(t, err)
	for _, capability := range lacking {
		if n := strings.Count(string(text), capability); n != 1 {
			t.Errorf("the log names %s %d times, want once", capability, n)
		}
	}
}
