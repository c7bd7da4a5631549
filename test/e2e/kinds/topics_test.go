package kinds

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// changes are steps in the life of a topic and of the groups called after it, and the truth after each.
type changes struct {
	topic  string
	epochs []epoch
	rows   map[row]bool // that ever had a lag
}

// step does something, waits for a truth that is so, and begins an epoch with it. The last truth goes on until then.
func (c *changes) step(ctx context.Context, t *testing.T, name string, do func() error, so func(*truth) error) {
	t.Helper()
	from := time.Now()
	suite.Try(t, do())
	now := settled(ctx, t, name, so)
	lags, err := now.lags(c.topic)
	suite.Try(t, err)
	for r := range lags {
		c.rows[r] = true
	}
	c.end(time.Now())
	c.epochs = append(c.epochs, epoch{name: name, from: from, lags: lags})
}

func (c *changes) end(at time.Time) {
	if n := len(c.epochs); n > 0 {
		c.epochs[n-1].until = at
	}
}

func (c *changes) allRows() (all []row) {
	for r := range c.rows {
		all = append(all, r)
	}
	return all
}

// TestTopicChanges adds partitions to a topic, deletes it, and creates it again under its name with fewer records and with more
// than the groups had read, while /metrics is watched: what it says was true, or it says nothing (rows 7 and 8).
func TestTopicChanges(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	kafka := shared.Workload()
	const topic, member, commits = "changes", "changes-member-earliest", "changes-commits"
	c := &changes{topic: topic, rows: map[row]bool{}}
	stop := watch(ctx, t, shared.exporter)
	commit := func(offset int64) func() error {
		return func() error { return kafka.Commit(ctx, commits, topic, map[int32]int64{0: offset, 1: offset}) }
	}
	create := func() error { return kafka.CreateTopic(ctx, topic, 2) }
	remove := func() error {
		return kafka.Admin(func(admin *kadm.Client) error { _, err := admin.DeleteTopic(ctx, topic); return err })
	}
	produce := func(n int) func() error { return func() error { return kafka.Produce(ctx, topic, n) } }

	suite.Try(t, create())
	suite.Try(t, kafka.Produce(ctx, topic, 20))
	c.step(ctx, t, "the first commits", commit(9), c.commit(commits, 9))
	reader, err := kafka.Join(member, topic)
	suite.Try(t, err)
	t.Cleanup(reader.Close)
	c.step(ctx, t, "a member that has read all", func() error { return reader.Consume(ctx, 20) }, c.sum(member, 0))
	agrees(ctx, t, shared.Oracle, shared.exporter, topic)
	c.step(ctx, t, "a third partition", func() error {
		return kafka.Admin(func(admin *kadm.Client) error { _, err := admin.UpdatePartitions(ctx, 3, topic); return err })
	}, c.partitions(3))
	c.step(ctx, t, "30 records", produce(30), c.size(50))
	agrees(ctx, t, shared.Oracle, shared.exporter, topic)

	reader.Close()
	c.step(ctx, t, "the topic deleted", remove, c.partitions(0))
	agrees(ctx, t, shared.Oracle, shared.exporter, topic)
	c.step(ctx, t, "created again with more records", func() error { return errors.Join(create(), kafka.Produce(ctx, topic, 40)) }, c.size(40))
	c.step(ctx, t, "a commit on the new topic", commit(7), c.commit(commits, 7))
	agrees(ctx, t, shared.Oracle, shared.exporter, commits)

	c.step(ctx, t, "deleted at once, created again with fewer records, and the old offset committed", func() error {
		return errors.Join(remove(), create(), kafka.Produce(ctx, topic, 4), commit(7)())
	}, c.commit(commits, 7))
	agrees(ctx, t, shared.Oracle, shared.exporter, commits)
	c.step(ctx, t, "more records than the old offset", produce(16), c.size(20))
	c.step(ctx, t, "a commit on that topic", commit(8), c.commit(commits, 8))
	agrees(ctx, t, shared.Oracle, shared.exporter, commits)
	c.end(time.Now())
	check(t, stop(), c.allRows(), c.epochs)
}

// partitions wants the topic to have so many; with none it is gone.
func (c *changes) partitions(want int) func(*truth) error {
	return func(now *truth) error {
		got := 0
		for _, p := range now.Partitions {
			if p.Topic == c.topic {
				got++
				if p.Error != "" {
					return errors.New(p.Error)
				}
			}
		}
		if got != want {
			return fmt.Errorf("%d partitions, want %d", got, want)
		}
		return nil
	}
}

// size wants the topic to hold so many records.
func (c *changes) size(want int64) func(*truth) error {
	return func(now *truth) error {
		var got int64
		for _, p := range now.Partitions {
			if p.Topic == c.topic {
				got += p.HighWatermark
			}
		}
		if got != want {
			return fmt.Errorf("%d records, want %d", got, want)
		}
		return nil
	}
}

// commit wants a group to have committed an offset on both of the first partitions.
func (c *changes) commit(group string, want int64) func(*truth) error {
	return func(now *truth) error {
		of, err := now.Group(group)
		if err != nil {
			return err
		}
		got := map[oracle.Partition]int64{}
		for _, commit := range of.Commits {
			got[commit.Partition] = commit.Offset
		}
		if len(got) != 2 || got[oracle.Partition{Topic: c.topic, Partition: 0}] != want || got[oracle.Partition{Topic: c.topic, Partition: 1}] != want {
			return fmt.Errorf("commits are %v, want %d", got, want)
		}
		return nil
	}
}

// sum wants a group to lag by so much, with a commit on each partition.
func (c *changes) sum(group string, want int64) func(*truth) error {
	return func(now *truth) error {
		of, err := now.Group(group)
		if err != nil {
			return err
		}
		if len(of.Commits) != 2 {
			return fmt.Errorf("%d commits, want 2", len(of.Commits))
		}
		got, err := now.Lag(group, c.topic)
		if err == nil && got != want {
			err = fmt.Errorf("a lag of %d, want %d", got, want)
		}
		return err
	}
}
