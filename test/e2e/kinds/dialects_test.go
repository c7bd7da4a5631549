package kinds

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// dialectTruth collects what the schemas of other exporters say for what the AdminClient tells.
type dialectTruth struct {
	*truth
	set series.Set
}

// kminion adds what KMinion says of a group.
func (d *dialectTruth) kminion(g oracle.Group, coordinator int, rows map[oracle.Partition]int64, commits map[oracle.Partition]oracle.Commit) {
	const prefix = "kminion_kafka_consumer_group_"
	stable := 0.0
	if g.State == "Stable" {
		stable = 1
	}
	assignor := ""
	if len(g.Members) > 0 {
		assignor = map[string]string{"Classic": "cooperative-sticky", "Consumer": "uniform"}[g.Type]
	}
	d.set[series.Name(prefix+"info", "group_id", g.Group, "protocol", assignor, "protocol_type", g.Protocol, "state", g.State,
		"coordinator_id", strconv.Itoa(coordinator))] = stable
	d.set[series.Name(prefix+"members", "group_id", g.Group)] = float64(len(g.Members))
	for _, m := range g.Members {
		if len(m.Assignment) == 0 {
			d.set[series.Name(prefix+"empty_members", "group_id", g.Group)]++
		}
		seen := map[string]bool{}
		for _, p := range m.Assignment {
			d.set[series.Name(prefix+"topic_assigned_partitions", "group_id", g.Group, "topic_name", p.Topic)]++
			if !seen[p.Topic] {
				d.set[series.Name(prefix+"topic_members", "group_id", g.Group, "topic_name", p.Topic)]++
			}
			seen[p.Topic] = true
		}
	}
	for p, lag := range rows {
		topic := []string{"group_id", g.Group, "topic_name", p.Topic}
		d.set[series.Name(prefix+"topic_partition_lag", append(topic, "partition_id", number(p))...)] = float64(lag)
		d.set[series.Name(prefix+"topic_lag", topic...)] += float64(lag)
		if c := commits[p]; c.Offset != noCommit {
			d.set[series.Name(prefix+"topic_offset_sum", topic...)] += float64(c.Offset)
		}
	}
}

// kafkaLagExporter adds what kafka-lag-exporter says of a group.
func (d *dialectTruth) kafkaLagExporter(g oracle.Group, rows map[oracle.Partition]int64, commits map[oracle.Partition]oracle.Commit) {
	const prefix = "kafka_consumergroup_group_"
	owners := map[oracle.Partition]oracle.Member{}
	for _, m := range g.Members {
		for _, p := range m.Assignment {
			owners[p] = m
		}
	}
	group := []string{"cluster_name", "default", "group", g.Group}
	for p, lag := range rows {
		owner, ok := owners[p]
		if !ok {
			owner = oracle.Member{ID: "unknown", ClientID: "unknown", Host: "unknown"}
		}
		labels := append(group[:4:4], "topic", p.Topic, "partition", number(p), "member_host", owner.Host, "consumer_id", owner.ID, "client_id", owner.ClientID)
		d.set[series.Name(prefix+"lag", labels...)] = float64(lag)
		if c := commits[p]; c.Offset != noCommit {
			d.set[series.Name(prefix+"offset", labels...)] = float64(c.Offset)
		}
		d.set[series.Name(prefix+"topic_sum_lag", append(group[:4:4], "topic", p.Topic)...)] += float64(lag)
		d.set[series.Name(prefix+"sum_lag", group...)] += float64(lag)
		most := series.Name(prefix+"max_lag", group...)
		d.set[most] = max(d.set[most], float64(lag))
	}
}

// burrow adds what Burrow says of a group.
func (d *dialectTruth) burrow(g oracle.Group, rows map[oracle.Partition]int64, commits map[oracle.Partition]oracle.Commit) {
	group := []string{"cluster", "default", "consumer_group", g.Group}
	for p, lag := range rows {
		labels := append(group[:4:4], "topic", p.Topic, "partition", number(p))
		d.set[series.Name("burrow_kafka_consumer_lag_total", group...)] += float64(lag)
		d.set[series.Name("burrow_kafka_consumer_partition_lag", labels...)] = float64(lag)
		if c := commits[p]; c.Offset != noCommit {
			d.set[series.Name("burrow_kafka_consumer_current_offset", labels...)] = float64(c.Offset)
		}
	}
}

// logs adds what all of them say of a topic's logs.
func (d *dialectTruth) logs(topic string) {
	for _, l := range d.Partitions {
		if l.Topic != topic {
			continue
		}
		end, start, p := float64(l.HighWatermark), float64(l.Start), number(l.Partition)
		kminion, others := []string{"topic_name", topic, "partition_id", p}, []string{"topic", topic, "partition", p}
		d.set[series.Name("kminion_kafka_topic_partition_high_water_mark", kminion...)] = end
		d.set[series.Name("kminion_kafka_topic_partition_low_water_mark", kminion...)] = start
		d.set[series.Name("kminion_kafka_topic_high_water_mark_sum", kminion[:2]...)] += end
		d.set[series.Name("kminion_kafka_topic_low_water_mark_sum", kminion[:2]...)] += start
		d.set[series.Name("kafka_partition_latest_offset", append(others, "cluster_name", "default")...)] = end
		d.set[series.Name("kafka_partition_earliest_offset", append(others, "cluster_name", "default")...)] = start
		d.set[series.Name("burrow_kafka_topic_partition_offset", append(others, "cluster", "default")...)] = end
	}
}

func coordinator(ctx context.Context, group string) (id int, err error) {
	err = shared.Workload().Admin(func(admin *kadm.Client) error {
		found := admin.FindGroupCoordinators(ctx, group)[group]
		id = int(found.NodeID)
		return found.Err
	})
	return id, err
}

func number(p oracle.Partition) string { return strconv.Itoa(int(p.Partition)) }

// dialects are all that the other schemas say of the groups and the topic whose names begin so.
func (t *truth) dialects(ctx context.Context, topic string) (series.Set, error) {
	d := &dialectTruth{t, series.Set{}}
	d.logs(topic)
	for _, g := range t.groups {
		if !strings.HasPrefix(g.Group, topic+"-") {
			continue
		}
		commits, err := t.commits(g)
		if err != nil {
			return nil, err
		}
		rows := map[oracle.Partition]int64{}
		for p, c := range commits {
			lag, known, err := t.lag(g.Group, c)
			if err != nil || !known {
				return nil, fmt.Errorf("the lag of %s on %v is not known: %w", g.Group, p, err)
			}
			rows[p] = lag
		}
		coordinator, err := coordinator(ctx, g.Group)
		if err != nil {
			return nil, err
		}
		d.kminion(g, coordinator, rows, commits)
		d.kafkaLagExporter(g, rows, commits)
		d.burrow(g, rows, commits)
	}
	return d.set, nil
}

// TestDialects holds every family of the other exporters' schemas, with all labels, against what the AdminClient tells of the cluster.
func TestDialects(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	kafka := shared.Workload()
	const topic = "dialects"
	suite.Try(t, kafka.CreateTopic(ctx, topic, 4))
	suite.Try(t, kafka.Produce(ctx, topic, 60))
	deleteRecords(ctx, t, topic, map[int32]int64{1: 2})
	for i := range 2 {
		member, err := kafka.Join("dialects-classic", topic)
		suite.Try(t, err)
		t.Cleanup(member.Close)
		if i == 0 {
			suite.Try(t, member.Consume(ctx, 9))
		}
	}
	suite.Try(t, kafka.Commit(ctx, "dialects-empty", topic, map[int32]int64{0: 3, 2: 11}))
	suite.Try(t, shared.members.Join(ctx, "consumer", "dialects-consumer", topic, 9))
	all, err := startExporter(ctx, shared.where, shared.dir, "lag-exporter-dialects", shared.Kafka.Bootstrap(), "--dialect=kminion,kafka-lag-exporter,burrow")
	suite.Try(t, err)
	t.Cleanup(func() { suite.Try(t, all.Stop()) })
	settled(ctx, t, "the groups", func(now *truth) error {
		for _, g := range now.groups {
			if g.Group == "dialects-classic" && (len(g.Members) != 2 || len(g.Members[0].Assignment) != 2 || len(g.Members[1].Assignment) != 2) {
				return fmt.Errorf("the partitions are not divided yet: %v", g.Members)
			}
			if g.Group == "dialects-consumer" && (len(g.Members) != 1 || g.State != "Stable") {
				return fmt.Errorf("%s: %s with %d members", g.Group, g.State, len(g.Members))
			}
		}
		return nil
	})
	speaksLike(ctx, t, all, topic)
}

// speaksLike waits until /metrics says in all dialects what the AdminClient says of the groups and the topic whose names begin so.
func speaksLike(ctx context.Context, t *testing.T, e *exporter.Exporter, topic string) {
	t.Helper()
	ours := []string{"kminion_", "kafka_consumergroup_group_", "kafka_partition_", "burrow_"}
	suite.Try(t, await.Until(ctx, "all dialects to agree with the AdminClient", func(ctx context.Context) error {
		now, err := readTruth(ctx, shared.Oracle)
		if err != nil {
			return err
		}
		want, err := now.dialects(ctx, topic)
		if err != nil {
			return err
		}
		got, err := e.Scrape(ctx)
		if err != nil {
			return err
		}
		if took := got[series.Name("kafka_consumergroup_poll_time_ms", "cluster_name", "default")]; took <= 0 || took > float64(pollInterval.Milliseconds()) {
			return fmt.Errorf("a poll took %v ms", took)
		}
		return series.Differences(want, got, func(s string) bool {
			for _, prefix := range ours {
				if strings.HasPrefix(s, prefix) && (strings.Contains(s, "="+topic+",") || strings.HasSuffix(s, "="+topic) || strings.Contains(s, "="+topic+"-")) {
					return true
				}
			}
			return false
		})
	}))
}
