package kinds

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/brokers"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestOldKafka runs against Kafkas that know classic groups only (row 12), and of which the older one has to be asked for each
// group's commits alone: lag is right, and what the broker lacks is named, in a series and once in the log.
func TestOldKafka(t *testing.T) {
	lacking := []string{"consumer_group_describe", "group_types", "share_group_describe", "share_group_lag", "streams_group_describe"}
	for version, lacking := range map[string][]string{"3.3": lacking, "2.8": append([]string{"batched_offset_fetch"}, lacking...)} {
		t.Run(version, func(t *testing.T) { oldKafka(suite.Within(t, 2*time.Minute), t, version, lacking) })
	}
}

func oldKafka(ctx context.Context, t *testing.T, version string, lacking []string) {
	t.Helper()
	dir := filepath.Join(shared.dir, "kafka-"+version)
	old, err := brokers.Start(ctx, shared.where, dir, kafka.Config{Libs: shared.where.OldKafkaLibs(version), Nodes: 1})
	suite.Try(t, err)
	t.Cleanup(func() { suite.Try(t, old.Close()) })

	const topic = "old"
	clients := old.Workload()
	suite.Try(t, clients.CreateTopic(ctx, topic, 3))
	suite.Try(t, clients.Produce(ctx, topic, 30))
	suite.Try(t, clients.Consume(ctx, "old-empty", topic, 4))
	suite.Try(t, clients.Commit(ctx, "old-only-commits", topic, map[int32]int64{0: 2, 2: 9}))
	member, err := clients.Join("old-member-earliest", topic)
	suite.Try(t, err)
	t.Cleanup(member.Close)
	suite.Try(t, member.Consume(ctx, 6))

	name := "lag-exporter-" + version
	exporter, err := startExporter(ctx, shared.where, dir, name, old.Kafka.Bootstrap())
	suite.Try(t, err)
	t.Cleanup(func() { suite.Try(t, exporter.Stop()) })
	agrees(ctx, t, old.Oracle, exporter, "old-")
	checkLacking(ctx, t, exporter, filepath.Join(dir, name+".log"), lacking)
}

// checkLacking wants these capabilities to be named, which come in order, and no other.
func checkLacking(ctx context.Context, t *testing.T, e *exporter.Exporter, log string, lacking []string) {
	t.Helper()
	capability := regexp.MustCompile("^kafka_lag_collector_lacking .*capability=([a-z_]+)")
	suite.Try(t, await.Until(ctx, "what the broker lacks", func(ctx context.Context) error {
		got, err := e.Scrape(ctx)
		if err != nil {
			return err
		}
		var named []string
		for s := range got {
			if found := capability.FindStringSubmatch(s); found != nil {
				named = append(named, found[1])
			}
		}
		slices.Sort(named)
		if !slices.Equal(named, lacking) {
			return fmt.Errorf("kafka_lag_collector_lacking names %v, want %v", named, lacking)
		}
		return nil
	}))
	read := series.Name("kafka_consumergroup_read_timestamp_seconds", "consumergroup", "old-empty")
	first, err := e.Scrape(ctx)
	suite.Try(t, err)
	suite.Try(t, await.Until(ctx, "some polls more", func(ctx context.Context) error {
		got, err := e.Scrape(ctx)
		if err == nil && got[read] < first[read]+3 {
			err = errors.New("not yet")
		}
		return err
	}))
	text, err := os.ReadFile(log)
	suite.Try(t, err)
	for _, capability := range lacking {
		if n := strings.Count(string(text), capability); n != 1 {
			t.Errorf("the log names %s %d times, want once", capability, n)
		}
	}
}
