package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestMetricsAgainstTheAdminClient compares every offset and lag in /metrics with what Kafka's own AdminClient reads, on an idle
// cluster with groups of several kinds.
func TestMetricsAgainstTheAdminClient(t *testing.T) {
	ctx := suite.Within(t, 3*time.Minute)
	kafka := shared.Workload()
	const topic, partitions = "metrics", 4
	suite.Try(t, kafka.CreateTopic(ctx, topic, partitions))
	suite.Try(t, kafka.Produce(ctx, topic, 400))
	suite.Try(t, kafka.Admin(func(admin *kadm.Client) error { // the log now starts later than some of the commits below
		var from kadm.Offsets
		from.AddOffset(topic, 0, 50, -1)
		_, err := admin.DeleteRecords(ctx, from)
		return err
	}))
	suite.Try(t, kafka.Commit(ctx, "metrics-behind-retention", topic, map[int32]int64{0: 10, 1: 10, 2: 10, 3: 10}))
	suite.Try(t, kafka.Commit(ctx, "metrics some, with: odd \"name\"", topic, map[int32]int64{1: 7}))
	suite.Try(t, kafka.Consume(ctx, "metrics-consumed", topic, 120))

	suite.Try(t, await.Until(ctx, "/metrics to agree with the AdminClient", func(ctx context.Context) error {
		truth, err := shared.Oracle.Offsets(ctx)
		if err != nil {
			return err
		}
		_, body, err := scrape(ctx, "/metrics")
		if err != nil {
			return err
		}
		shown, err := series.Parse(body)
		if err != nil {
			return err
		}
		want := expected(truth)
		families := want.Families()
		return series.Differences(want, shown, func(s string) bool { return families[strings.Fields(s)[0]] })
	}))
}

// expected translates the oracle's truth into series of kafka_exporter's dialect.
func expected(truth *oracle.Offsets) series.Set {
	want := series.Set{}
	for _, p := range truth.Partitions {
		labels := fmt.Sprintf("partition=%d,topic=%s", p.Partition.Partition, p.Topic)
		want["kafka_topic_partition_current_offset "+labels] = float64(p.HighWatermark)
		want["kafka_topic_partition_oldest_offset "+labels] = float64(p.Start)
		want["kafka_topic_partitions topic="+p.Topic]++
	}
	for _, g := range truth.Groups {
		for _, c := range g.Commits {
			log, err := truth.Log(c.Partition)
			if err != nil {
				continue
			}
			lag := float64(log.HighWatermark - max(c.Offset, log.Start))
			of := "consumergroup=" + g.Group
			labels := fmt.Sprintf("%s,partition=%d,topic=%s", of, c.Partition.Partition, c.Topic)
			want["kafka_consumergroup_current_offset "+labels] = float64(c.Offset)
			want["kafka_consumergroup_lag "+labels] = lag
			want["kafka_consumergroup_current_offset_sum "+of+",topic="+c.Topic] += float64(c.Offset)
			want["kafka_consumergroup_lag_sum "+of+",topic="+c.Topic] += lag
		}
	}
	want["kafka_brokers "] = float64(len(shared.Kafka.Nodes()))
	return want
}

// TestPromtool has Prometheus' own tool check /metrics. It comes with Debian's package prometheus.
func TestPromtool(t *testing.T) {
	ctx := suite.Within(t, time.Minute)
	_, body, err := scrape(ctx, "/metrics")
	suite.Try(t, err)
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is missing: apt-get install prometheus")
	}
	cmd := exec.CommandContext(ctx, promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(body)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
