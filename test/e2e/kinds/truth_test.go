package kinds

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// noCommit is a partition on which a group has no offset.
const noCommit = -1

// truth is what the AdminClient says: offsets, and the groups with their members.
type truth struct {
	*oracle.Offsets
	groups []oracle.Group
}

func readTruth(ctx context.Context, o *oracle.Oracle) (*truth, error) {
	groups, err := o.Groups(ctx)
	if err != nil {
		return nil, err
	}
	offsets, err := o.Offsets(ctx)
	return &truth{offsets, groups}, err
}

// row is a group on a partition.
type row struct {
	group string
	oracle.Partition
}

func (r row) labels() []string {
	return []string{"consumergroup", r.group, "topic", r.Topic, "partition", strconv.Itoa(int(r.Partition.Partition))}
}

// commits are a group's offsets: those committed, and noCommit on the other
// partitions of the topics that its members have partitions of. What is of a
// topic that is gone is left out, and of one that the group has left where the
// exporter is told so.
func (t *truth) commits(g oracle.Group) (map[oracle.Partition]oracle.Commit, error) {
	if g.Error != "" {
		return nil, fmt.Errorf("oracle: group %s: %s", g.Group, g.Error)
	}
	of, err := t.Group(g.Group)
	if err != nil {
		return nil, err
	}
	all, topics := map[oracle.Partition]oracle.Commit{}, map[string]bool{}
	for _, m := range g.Members {
		for _, a := range m.Assignment {
			topics[a.Topic] = true
			for _, log := range t.Partitions {
				if log.Topic == a.Topic && g.Type != "Share" {
					all[log.Partition] = oracle.Commit{Partition: log.Partition, Offset: noCommit}
				}
			}
		}
	}
	ignoring := strings.HasSuffix(g.Group, ignoringGroup) && len(topics) > 0
	for _, c := range of.Commits {
		if t.exists(c.Partition) && (topics[c.Topic] || !ignoring) {
			all[c.Partition] = c
		}
	}
	return all, nil
}

func (t *truth) exists(p oracle.Partition) bool {
	for _, log := range t.Partitions {
		if log.Partition == p {
			return true
		}
	}
	return false
}

// lag is what the product shall say of a row; known is false where the offset
// cannot be of this log, so that it must not say anything.
func (t *truth) lag(group string, c oracle.Commit) (lag int64, known bool, err error) {
	log, err := t.Log(c.Partition)
	if err != nil {
		return 0, false, err
	}
	end := log.HighWatermark
	if strings.HasSuffix(group, readCommittedGroup) {
		end = log.LastStable
	}
	switch {
	case c.ShareLag != nil: // which goes on counting what was deleted
		return min(*c.ShareLag, log.HighWatermark-max(c.Offset, log.Start)), true, nil
	case c.Offset == noCommit && strings.HasSuffix(group, earliestGroup):
		return end - log.Start, true, nil
	case c.Offset == noCommit:
		return 0, true, nil
	}
	return end - max(c.Offset, log.Start), c.Offset <= end, nil
}

// series are all that /metrics shall say of the groups whose names begin so.
func (t *truth) series(prefix string) (series.Set, error) {
	want := series.Set{}
	for _, g := range t.groups {
		if !strings.HasPrefix(g.Group, prefix) {
			continue
		}
		commits, err := t.commits(g)
		if err != nil {
			return nil, err
		}
		want[series.Name("kafka_consumergroup_members", "consumergroup", g.Group)] = float64(len(g.Members))
		up, unknown := 1.0, map[string]bool{}
		for p, c := range commits {
			lag, known, err := t.lag(g.Group, c)
			if err != nil {
				return nil, err
			}
			if !known {
				up, unknown[p.Topic] = 0, true
				continue
			}
			addRow(want, row{g.Group, p}, c.Offset, lag)
		}
		for topic := range unknown {
			for _, family := range []string{"kafka_consumergroup_lag_sum", "kafka_consumergroup_current_offset_sum"} {
				delete(want, series.Name(family, "consumergroup", g.Group, "topic", topic))
			}
		}
		want[series.Name("kafka_consumergroup_up", "consumergroup", g.Group)] = up
	}
	if len(want) == 0 {
		return nil, fmt.Errorf("oracle: there is no group that is called %s…", prefix)
	}
	return want, nil
}

// addRow adds the series of a row, and the row to the sums of its topic.
func addRow(want series.Set, r row, commit, lag int64) {
	sum := []string{"consumergroup", r.group, "topic", r.Topic}
	want[series.Name("kafka_consumergroup_lag", r.labels()...)] = float64(lag)
	want[series.Name("kafka_consumergroup_lag_sum", sum...)] += float64(lag)
	if commit != noCommit {
		want[series.Name("kafka_consumergroup_current_offset", r.labels()...)] = float64(commit)
		want[series.Name("kafka_consumergroup_current_offset_sum", sum...)] += float64(commit)
	}
}

// agrees waits until /metrics says of the groups whose names begin so what the
// AdminClient says, no less and no more, and returns that truth.
func agrees(ctx context.Context, t *testing.T, o *oracle.Oracle, e *exporter.Exporter, prefix string) *truth {
	t.Helper()
	untested := map[string]bool{ // here, as they tell of the past
		"kafka_consumergroup_read_timestamp_seconds": true, "kafka_consumergroup_lost_records_total": true,
	}
	var found *truth
	suite.Try(t, await.Until(ctx, "/metrics to agree with the AdminClient", func(ctx context.Context) error {
		now, err := readTruth(ctx, o)
		if err != nil {
			return err
		}
		want, err := now.series(prefix)
		if err != nil {
			return err
		}
		got, err := e.Scrape(ctx)
		if err != nil {
			return err
		}
		found = now
		return series.Differences(want, got, func(s string) bool {
			return strings.Contains(s, "consumergroup="+prefix) && !untested[strings.Fields(s)[0]]
		})
	}))
	return found
}

// lags are the lags of the groups whose names begin so, by row.
func (t *truth) lags(prefix string) (map[row]int64, error) {
	all := map[row]int64{}
	for _, g := range t.groups {
		if !strings.HasPrefix(g.Group, prefix) {
			continue
		}
		commits, err := t.commits(g)
		if err != nil {
			return nil, err
		}
		for p, c := range commits {
			lag, known, err := t.lag(g.Group, c)
			if err != nil {
				return nil, err
			}
			if known {
				all[row{g.Group, p}] = lag
			}
		}
	}
	return all, nil
}
