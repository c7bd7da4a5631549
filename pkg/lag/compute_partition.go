package lag

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// MaxLag is the largest lag that is believed, of a partition and of a sum: 2^53 records, the integers that a float64 sample holds
// exactly. It is also below the 9.2e15 from which the HPA's milli-values overflow.
const MaxLag int64 = 1 << 53

// settleTime is how long a commit must contradict the log before it is not believed even if the log grows past it. A follower
// that has just become leader may for a moment know of an older high watermark.
const settleTime = 5 * time.Second

// doubt is a commit that contradicted its log. Once settleTime is over, it is believed only after it has changed: that it lies
// within the log again says nothing, as the log has grown. The zero value is no doubt.
type doubt struct {
	commit  int64     // the doubted offset
	epoch   int32     // the leader epoch of its commit
	since   time.Time // when it first contradicted the log
	certain bool      // it is known to be of another log
}

func (d doubt) stands() bool { return !d.since.IsZero() }

// against says whether the doubt speaks against this commit, read at that time.
func (d doubt) against(commit int64, epoch int32, readAt time.Time) bool {
	return d.of(commit, epoch) && (d.certain || readAt.Sub(d.since) >= settleTime)
}

// of says whether the doubt is of this very commit. Committed again, an offset has another epoch, or none of what it is doubted for;
// of one that was last seen on another log the epoch is not known.
func (d doubt) of(commit int64, epoch int32) bool {
	return d.stands() && d.commit == commit && (d.certain || d.epoch == epoch)
}

// history is what went before a row. The zero value says that nothing of it matters.
type history struct {
	old     *PartitionLag // the row before, nil if there was none or if nothing has happened to the log since
	doubt   doubt
	another bool // the row before was of another log under the same name
}

// history looks up what went before the row of the partition; p is nil if the topic does not have it.
func (t *topicComputation) history(number int32, p *partitionLog) history {
	if t.same || t.old == nil || t.group == GroupShare { // brokers keep a share group's offsets by topic id
		return history{}
	}
	h := history{old: t.old.row(number)}
	if h.old != nil && h.old.Unread != 0 {
		h.doubt = t.old.unread(h.old).doubt
	}
	if h.another = t.buried || t.topic != nil && t.topic.Err == nil && t.anotherLog(number, p); !h.another {
		return h
	}
	// Whether a commit was made on the new log shows when it is another one than was last seen on the old log.
	h.doubt = doubt{commit: t.lastCommit(number), since: t.readAt, certain: true}
	return h
}

const commitAgain = "the group must commit again, or its offsets be reset"

// checkCommit returns why the commit at that index cannot be used.
func (t *topicComputation) checkCommit(index int, twice bool) error {
	commit, brokerLag := &t.commits[index], t.brokerLag(index)
	if err := t.read.failure(commit.Partition); err != nil {
		return err
	}
	switch {
	case twice:
		return contradiction("OffsetFetch", ClassProtocol, "two committed offsets for one partition")
	case commit.Offset < NoOffset:
		return contradiction("OffsetFetch", ClassProtocol, "a committed offset of %d", commit.Offset)
	case t.group == GroupShare && (brokerLag < NoOffset || brokerLag > MaxLag):
		return contradiction("DescribeShareGroupOffsets", ClassProtocol, "a lag of %d records is not believed", brokerLag)
	}
	return nil
}

// failure returns why the commit on the partition could not be read, nil if it could.
func (t *TopicCommits) failure(partition int32) error {
	i, found := slices.BinarySearchFunc(t.Failed, partition, func(f FailedCommit, n int32) int { return cmp.Compare(f.Partition, n) })
	if !found {
		return nil
	}
	return t.Failed[i].Err
}

// partitionLag is the arithmetic of lag: end − max(commit, start), never below 0. The end must be of this collection, since an
// end older than the commit hides what came between; a start may be older, since it moves only where retention deletes.
//
// index is that of the row's commit, -1 if it has none. It returns the doubt that remains with the row.
func (t *topicComputation) partitionLag(out *TopicLag, row *PartitionLag, index int, p *partitionLog, h history) (history, error) {
	var commit *Commit
	if index >= 0 {
		commit = &t.commits[index]
		row.Committed = commit.Offset
	}
	if t.group == GroupShare && t.brokerLag(index) != NoOffset {
		value, err := t.shareLag(index, p)
		row.Lag = value
		return h, err
	}
	if err := t.believe(commit, h); err != nil {
		return h, err
	}
	end, err := t.end(p)
	if err != nil {
		return h, err
	}
	if row.Committed == NoOffset && t.policy.OffsetReset == ResetLatest {
		if t.group == GroupShare {
			row.Lag = t.sinceFirstSeen(out, row.Partition, end)
		}
		return h, believable(row.Lag)
	}
	if p.start.ReadAt.IsZero() {
		return h, startNeverRead(p.start.Err)
	}
	if doubted, err := t.contradicts(commit, end, p); err != nil {
		if doubted && !h.doubt.of(commit.Offset, commit.LeaderEpoch) {
			h.doubt = doubt{commit: commit.Offset, epoch: commit.LeaderEpoch, since: t.readAt}
		}
		return h, err
	}
	from := max(row.Committed, p.start.Value)
	if from > end {
		return h, contradiction("ListOffsets", ClassOffsetRange, "the log start offset %d is beyond the end %d", from, end)
	}
	row.Lag = end - from
	return h, believable(row.Lag)
}

func believable(records int64) error {
	if records > MaxLag {
		return contradiction("ListOffsets", ClassProtocol, "a lag of %d, more than 2^53 records, is not believed", records)
	}
	return nil
}

func startNeverRead(err error) error {
	if err == nil {
		return contradiction("ListOffsets", ClassOther, "the log start offset was never read")
	}
	return contradiction("ListOffsets", ClassOf(err), "the log start offset was never read: %w", err)
}

// believe returns why the commit is not believed after what went before.
func (t *topicComputation) believe(commit *Commit, h history) error {
	switch {
	case commit == nil || commit.Offset == NoOffset:
		return nil
	case h.another:
		return contradiction("OffsetFetch", ClassOffsetRange, "the topic was deleted and created anew, and the committed offset %d may be of the "+
			"topic before; if it stays, %s", commit.Offset, commitAgain)
	case h.doubt.against(commit.Offset, commit.LeaderEpoch, t.readAt):
		return contradiction("OffsetFetch", ClassOffsetRange, "the committed offset %d contradicted the log %s ago and has not changed since: %s",
			commit.Offset, t.readAt.Sub(h.doubt.since).Round(time.Second), commitAgain)
	}
	return nil
}

// contradicts returns why the commit cannot be of this log, or whether it is cannot be told now: then it is not doubted.
func (t *topicComputation) contradicts(commit *Commit, end int64, p *partitionLog) (doubted bool, err error) {
	switch {
	case commit == nil:
		return false, nil
	case commit.Offset > end && t.readsCommitted() && commit.Offset <= p.end.Value:
		return true, contradiction("OffsetFetch", ClassOffsetRange, "the committed offset %d is beyond the last stable offset %d: the group does not "+
			"read committed records only, as it is configured to", commit.Offset, end)
	case commit.Offset > end:
		return true, contradiction("OffsetFetch", ClassOffsetRange, "the committed offset %d is beyond the end of the log, %d: the log was truncated "+
			"or the topic created anew; %s", commit.Offset, end, commitAgain)
	}
	return t.anotherEpoch(commit, p.leaderEpoch)
}

func (t *topicComputation) readsCommitted() bool {
	return t.policy.ReadCommitted && t.group != GroupShare
}

// end returns where the log ends for the group. The high watermark has to be known in any case: the leader epoch comes with it.
func (t *topicComputation) end(p *partitionLog) (int64, error) {
	if err := t.whyEndUnknown(&p.end, "high watermark"); err != nil || !t.readsCommitted() {
		return p.end.Value, err
	}
	return p.lastStable.Value, t.whyEndUnknown(&p.lastStable, "last stable offset")
}

func (t *topicComputation) whyEndUnknown(end *Offset, name string) error {
	switch {
	case end.Err != nil:
		return end.Err
	case end.ReadAt.IsZero():
		return contradiction("ListOffsets", ClassOther, "the %s was not read", name)
	case end.ReadAt.Before(t.readAt):
		return contradiction("ListOffsets", ClassProtocol, "the %s was read before the committed offset", name)
	}
	return nil
}

// anotherLog says whether the reading before was of another log under the same name.
func (t *topicComputation) anotherLog(number int32, p *partitionLog) bool {
	basis := t.old.basis
	if t.buried {
		return true
	}
	if basis == nil {
		return false
	}
	if anotherTopic(basis, t.topic) {
		return true
	}
	if p == nil {
		return false
	}
	return p.leaderEpoch >= 0 && p.leaderEpoch < basis.leaderEpoch(basis.Index(number)) && basis.ID == [16]byte{}
}

// lost counts the records that were deleted since the reading before and that the group had not read by then.
func (t *topicComputation) lost(row *PartitionLag, p *partitionLog, old *PartitionLag) int64 {
	if t.old.basis == nil || t.anotherLog(row.Partition, p) || t.old.RowReadAt(old).IsZero() {
		return 0
	}
	before := t.old.basis.Starts.At(t.old.basis.Index(row.Partition))
	if before.ReadAt.IsZero() {
		return 0
	}
	return max(0, p.start.Value-max(row.Committed, before.Value))
}

// contradiction is an error about what one answer says of itself or of another.
func contradiction(op string, class Class, format string, args ...any) error {
	return &ReadError{Class: class, Broker: -1, Op: op, Err: fmt.Errorf(format, args...)}
}
