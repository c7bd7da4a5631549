package lag

import (
	"cmp"
	"slices"
)

// A log that was truncated under a commit and has grown past it since looks like any other in its offsets. What tells is where
// the epoch of the commit ended (KIP-320): the records of an epoch end where the next one begins, so a commit behind the end of
// its own epoch is of records that the log no longer has.

// EpochEnd is where an earlier leader epoch of a partition ends, as the leader told it.
type EpochEnd struct {
	Partition   int32
	Epoch       int32 // the earlier one
	LeaderEpoch int32 // the leader's own; the answer holds for as long as this is the leader's epoch
	// End is the offset after the last record of Epoch or, if there is none, of what came before it; NoOffset if the leader knows
	// of neither.
	End int64
	// Err is why it could not be read. Class ClassUnsupported is for good: the broker cannot tell.
	Err error
}

func compareEpochEnds(a, b EpochEnd) int {
	return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Epoch, b.Epoch))
}

// EpochEnd returns what is known of the end of an epoch of the partition, nil if nothing is.
func (t *Topic) EpochEnd(partition, epoch int32) *EpochEnd {
	if len(t.EpochEnds) == 0 {
		return nil
	}
	i, found := slices.BinarySearchFunc(t.EpochEnds, EpochEnd{Partition: partition, Epoch: epoch}, compareEpochEnds)
	if !found {
		return nil
	}
	return &t.EpochEnds[i]
}

// mergeEpochEnds keeps the answers that hold for the leaders of now. In a collection of the whole cluster, what was read is all that
// some commit needs.
func (t *Topic) mergeEpochEnds(old, read *Topic, partial bool) {
	t.EpochEnds = t.holding(read.EpochEnds)
	if old == nil {
		return
	}
	for _, known := range t.holding(old.EpochEnds) {
		i, found := slices.BinarySearchFunc(t.EpochEnds, known, compareEpochEnds)
		switch {
		case !found && partial:
			t.EpochEnds = slices.Insert(t.EpochEnds, i, known)
		case found && t.EpochEnds[i].Err != nil && known.Err == nil:
			t.EpochEnds[i] = known // a failure does not hide it
		}
	}
}

// holding returns a copy of those of the answers that hold for the leaders of now.
func (t *Topic) holding(ends []EpochEnd) (now []EpochEnd) {
	for _, e := range ends {
		if at := t.Index(e.Partition); at >= 0 && t.leaderEpoch(at) == e.LeaderEpoch {
			now = append(now, e)
		}
	}
	return now
}

// anotherEpoch returns why a commit of another leader epoch than the leader's cannot be of this log, or whether it is cannot be
// told now: then it is not doubted.
func (t *topicComputation) anotherEpoch(commit *Commit, leaderEpoch int32) (doubted bool, err error) {
	switch {
	case commit.LeaderEpoch < 0, leaderEpoch < 0, commit.LeaderEpoch == leaderEpoch:
		return false, nil
	case commit.LeaderEpoch > leaderEpoch:
		return true, contradiction("OffsetFetch", ClassOffsetRange, "the offset was committed in leader epoch %d, and the leader is only in epoch %d: "+
			"the log was truncated or the topic created anew; %s", commit.LeaderEpoch, leaderEpoch, commitAgain)
	case commit.Offset == NoOffset, t.group == GroupShare: // whose epoch is not that of a record
		return false, nil
	}
	const op = "OffsetForLeaderEpoch"
	end := t.topic.EpochEnd(commit.Partition, commit.LeaderEpoch)
	switch {
	case end == nil:
		return false, contradiction(op, ClassLeadership, "the offset was committed in leader epoch %d, the leader is in epoch %d, and whether the "+
			"log was truncated between them is not known yet", commit.LeaderEpoch, leaderEpoch)
	case end.Err != nil && ClassOf(end.Err) == ClassUnsupported: // by the broker: then no more is known than the offsets say
		return false, nil
	case end.Err != nil:
		return false, end.Err
	case end.End == NoOffset:
		return true, contradiction(op, ClassOffsetRange, "the offset %d was committed in leader epoch %d, of which the leader, in epoch %d, does not "+
			"know: the log was truncated; %s", commit.Offset, commit.LeaderEpoch, leaderEpoch, commitAgain)
	case end.End < commit.Offset:
		return true, contradiction(op, ClassOffsetRange, "the committed offset %d is beyond %d, where its leader epoch %d ends: the log was truncated "+
			"and has other records there now; %s", commit.Offset, end.End, commit.LeaderEpoch, commitAgain)
	}
	return false, nil
}
