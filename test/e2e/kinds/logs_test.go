package kinds

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/members"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

func sumOf(group, topic string) string {
	return series.Name("kafka_consumergroup_lag_sum", "consumergroup", group, "topic", topic)
}

// TestDeletedRecords has records deleted that a group has not read: they are no lag, and are counted as lost.
func TestDeletedRecords(t *testing.T) {
	for name, remove := range map[string]func(ctx context.Context, t *testing.T, topic string){
		"by request": func(ctx context.Context, t *testing.T, topic string) {
			t.Helper()
			deleteRecords(ctx, t, topic, map[int32]int64{0: 15, 1: 5})
		},
		"by retention": func(ctx context.Context, t *testing.T, topic string) {
			t.Helper()
			suite.Try(t, shared.Workload().Admin(func(admin *kadm.Client) error {
				short := "1"
				_, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &short}}, topic)
				return err
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := suite.Within(t, time.Minute)
			kafka := shared.Workload()
			topic := "deleted-" + name[len("by "):]
			suite.Try(t, kafka.CreateTopic(ctx, topic, 2))
			suite.Try(t, kafka.Produce(ctx, topic, 40))
			suite.Try(t, kafka.Commit(ctx, topic, topic, map[int32]int64{0: 8, 1: 8}))
			before := agrees(ctx, t, shared.Oracle, shared.exporter, topic)
			remove(ctx, t, topic)
			moved := settled(ctx, t, "the log start to move", func(now *truth) error { return starts(now, topic, 15) })
			if lost(before, moved, topic) == 0 {
				t.Fatal("no record was deleted that the group had not read")
			}
			agrees(ctx, t, shared.Oracle, shared.exporter, topic)
			suite.Try(t, await.Until(ctx, "the lost records", func(ctx context.Context) error {
				got, err := shared.exporter.Scrape(ctx)
				if err != nil {
					return err
				}
				counter := series.Name("kafka_consumergroup_lost_records_total", "consumergroup", topic, "topic", topic)
				if want := lost(before, moved, topic); got[counter] != want {
					return fmt.Errorf("%s is %v, want %v", counter, got[counter], want)
				}
				return nil
			}))
		})
	}
}

// starts wants the log of partition 0 to begin at an offset or later.
func starts(now *truth, topic string, offset int64) error {
	log, err := now.Log(oracle.Partition{Topic: topic, Partition: 0})
	if err == nil && log.Start < offset {
		err = fmt.Errorf("the log starts at %d", log.Start)
	}
	return err
}

// lost are the records that were deleted between two truths and that the group called as its topic had not read.
func lost(before, after *truth, topic string) (records float64) {
	of, err := before.Group(topic)
	if err != nil {
		return 0
	}
	for _, c := range of.Commits {
		log, err := after.Log(c.Partition)
		was, errWas := before.Log(c.Partition)
		if errors.Join(err, errWas) == nil {
			records += float64(max(0, log.Start-max(c.Offset, was.Start)))
		}
	}
	return records
}

// TestOpenTransaction: the producer of an open transaction is killed (row 9). Until the transaction times out, a group that
// reads committed records only cannot go on from where it began.
func TestOpenTransaction(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	kafka := shared.Workload()
	const topic = "transaction"
	suite.Try(t, kafka.CreateTopic(ctx, topic, 1))
	suite.Try(t, kafka.Produce(ctx, topic, 10))
	for _, group := range []string{"transaction", "transaction" + readCommittedGroup} {
		suite.Try(t, kafka.Commit(ctx, group, topic, map[int32]int64{0: 4}))
	}
	const timeout = 20 * time.Second // enough to see the state before
	suite.Try(t, members.OpenTransaction(ctx, shared.membersConfig(), topic, 7, timeout))
	suite.Try(t, kafka.Produce(ctx, topic, 5))

	open := agrees(ctx, t, shared.Oracle, shared.exporter, "transaction")
	log, err := open.Log(oracle.Partition{Topic: topic, Partition: 0})
	suite.Try(t, err)
	if log.LastStable != 10 || log.HighWatermark != 22 {
		t.Fatalf("the last stable offset is %d and the high watermark %d, want 10 and 22", log.LastStable, log.HighWatermark)
	}
	settled(ctx, t, "the transaction to be aborted", func(now *truth) error {
		log, err := now.Log(oracle.Partition{Topic: topic, Partition: 0})
		if err == nil && log.LastStable != 23 { // with the marker of the abort
			err = fmt.Errorf("the last stable offset is %d", log.LastStable)
		}
		return err
	})
	found := agrees(ctx, t, shared.Oracle, shared.exporter, "transaction")
	lags, err := found.lags("transaction")
	suite.Try(t, err)
	for r, lag := range lags {
		if lag != 23-4 {
			t.Errorf("%v: after the abort the lag is %d, want %d", r, lag, 23-4)
		}
	}
}
