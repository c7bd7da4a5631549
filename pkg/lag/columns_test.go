package lag_test

import (
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// The tests write and read row by row what observations and snapshots hold in columns.

// topicDraft is a topic of an observation in the making.
type topicDraft struct {
	lag.Topic
	logs []logRow
}

// logRow is what was read, or is known, of one partition's log.
type logRow struct {
	Partition              int32
	Start, End, LastStable lag.Offset
	LeaderEpoch            int32
}

func logsOf(t *lag.Topic) []logRow {
	rows := make([]logRow, len(t.Partitions))
	for i, p := range t.Partitions {
		rows[i] = logRow{Partition: p.Partition, Start: t.Starts.At(i), End: t.Ends.At(i), LastStable: t.LastStables.At(i), LeaderEpoch: -1}
		if t.LeaderEpochs != nil {
			rows[i].LeaderEpoch = t.LeaderEpochs[i]
		}
	}
	return rows
}

func setLogs(t *lag.Topic, rows []logRow) {
	var starts, ends, stables []lag.Offset
	t.Partitions, t.LeaderEpochs = nil, nil
	for _, row := range rows {
		t.Partitions = append(t.Partitions, lag.Partition{Partition: row.Partition})
		starts, ends, stables = append(starts, row.Start), append(ends, row.End), append(stables, row.LastStable)
		t.LeaderEpochs = append(t.LeaderEpochs, row.LeaderEpoch)
	}
	t.Starts, t.Ends, t.LastStables = lag.NewOffsets(starts...), lag.NewOffsets(ends...), lag.NewOffsets(stables...)
}

// commitRow is what was read of a group's commit on one partition.
type commitRow struct {
	Partition, LeaderEpoch int32
	Offset, BrokerLag      int64
	Err                    error
}

func commitRows(commits *lag.TopicCommits) []commitRow {
	rows := make([]commitRow, len(commits.Partitions))
	for i, c := range commits.Partitions {
		rows[i] = commitRow{Partition: c.Partition, LeaderEpoch: c.LeaderEpoch, Offset: c.Offset, BrokerLag: lag.NoOffset}
		if commits.BrokerLags != nil {
			rows[i].BrokerLag = commits.BrokerLags[i]
		}
		for _, f := range commits.Failed {
			if f.Partition == c.Partition {
				rows[i].Err = f.Err
			}
		}
	}
	return rows
}

func topicCommits(topic string, rows ...commitRow) lag.TopicCommits {
	commits := lag.TopicCommits{Topic: topic}
	for _, row := range rows {
		commits.Partitions = append(commits.Partitions, lag.Commit{Partition: row.Partition, LeaderEpoch: row.LeaderEpoch, Offset: row.Offset})
		commits.BrokerLags = append(commits.BrokerLags, row.BrokerLag)
		if row.Err != nil {
			commits.Failed = append(commits.Failed, lag.FailedCommit{Partition: row.Partition, Err: row.Err})
		}
	}
	return commits
}

// firstLog is what is known of partition 0 of the topic.
func firstLog(s *lag.Snapshot, topic string) logRow { return logsOf(s.Topic(topic))[0] }
