package lag

// plainRows appends the topic's rows if there is nothing to say about any of them, as there is of nearly all topics at nearly all
// times. It is a short cut through rows and all that it calls, and says no more than they do; plain is false where it cannot tell.
func (t *topicComputation) plainRows(rows []PartitionLag, err error) (_ []PartitionLag, plain bool) {
	if err != nil || !t.same || t.group == GroupShare || t.read.Failed != nil || len(t.assigned) > 0 ||
		t.subscribed && len(t.commits) != len(t.topic.Partitions) {
		return rows, false
	}
	ends := &t.topic.Ends
	if t.policy.ReadCommitted {
		if !t.plainEnds(ends) || !ends.whole(len(t.topic.Partitions)) { // the leader epochs come with them
			return rows, false
		}
		ends = &t.topic.LastStables
	}
	if !t.plainEnds(ends) {
		return rows, false
	}
	return t.plainLags(rows, ends.Values)
}

// plainEnds says whether the ends were all read after the commits; those that are missing are seen one by one.
func (t *topicComputation) plainEnds(ends *Offsets) bool {
	return ends.Err == nil && ends.Others == nil && !ends.ReadAt.Before(t.readAt) && len(ends.Values) == len(t.topic.Partitions)
}

// plainLags is the arithmetic of lag without a word about what is wrong, and without a step that most rows do not need.
func (t *topicComputation) plainLags(rows []PartitionLag, ends []int64) (_ []PartitionLag, plain bool) {
	partitions, starts, epochs := t.topic.Partitions, t.topic.Starts.Values, t.topic.LeaderEpochs
	n := len(partitions)
	if len(starts) != n || epochs != nil && len(epochs) != n {
		return rows, false
	}
	last := int32(-1)
	for i := range t.commits {
		commit := &t.commits[i]
		at := int(commit.Partition)
		if commit.Partition <= last || at >= n || partitions[at].Partition != commit.Partition {
			return rows, false
		}
		last = commit.Partition
		start, end := starts[at], ends[at]
		from := max(commit.Offset, start)
		if commit.Offset < 0 || start < 0 || from > end || end-from > MaxLag {
			return rows, false
		}
		if epochs != nil && commit.LeaderEpoch != epochs[at] { // hardly ever: consumers commit in the epoch that they read
			if _, err := t.anotherEpoch(commit, epochs[at]); err != nil {
				return rows, false
			}
		}
		rows = append(rows, PartitionLag{Partition: commit.Partition, Committed: commit.Offset, Lag: end - from})
	}
	return rows, true
}
