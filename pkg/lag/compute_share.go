package lag

// A share group (KIP-932) has no commits. For each partition the broker tells the share-partition start offset, before which all
// records are done with, and its own lag, which leaves out the records behind the start that were acknowledged out of order.
// Both are absent until the first record is acknowledged or released: only the partition's leader knows where the group
// began.

// shareLag is the broker's own lag. The broker goes on counting records that were deleted since; those that are left are the
// most that there can be to do.
func (t *topicComputation) shareLag(commit int, p *partitionLog) (int64, error) {
	end, err := t.end(p)
	offset, brokerLag := t.commits[commit].Offset, t.brokerLag(commit)
	if err != nil || offset == NoOffset || p.start.ReadAt.IsZero() {
		return brokerLag, nil //nolint:nilerr // the lag does not depend on the end of the log
	}
	from := max(offset, p.start.Value)
	if from > end {
		return 0, contradiction("DescribeShareGroupOffsets", ClassOffsetRange, "the share-partition start offset %d or the log start offset %d is "+
			"beyond the end of the log, %d", offset, p.start.Value, end)
	}
	return min(brokerLag, end-from), nil
}

// brokerLag is the lag that the broker gives with the commit at that index, NoOffset if it gives none.
func (t *topicComputation) brokerLag(commit int) int64 {
	if commit < 0 || commit >= len(t.read.BrokerLags) {
		return NoOffset
	}
	return t.read.BrokerLags[commit]
}

// sinceFirstSeen is the lag on a partition of which the group, which starts at the end of the log, has not acknowledged any
// record: those that came since the partition was first seen so. The group may have begun earlier or later than that, but a
// lag of 0 would never start its first consumer, and it is right as soon as one record is acknowledged.
func (t *topicComputation) sinceFirstSeen(out *TopicLag, number int32, end int64) int64 {
	t.keepFirstSeen(out, number)
	first, seen := out.firstSeen[number]
	if !seen || first > end {
		if out.firstSeen == nil {
			out.firstSeen = map[int32]int64{}
		}
		first, out.firstSeen[number] = end, end
	}
	return end - first
}

// keepFirstSeen takes over what was noted of the partition, if it is the same one still.
func (t *topicComputation) keepFirstSeen(out *TopicLag, number int32) {
	if t.old == nil || t.buried || t.topic != nil && t.old.basis != nil && anotherTopic(t.old.basis, t.topic) {
		return
	}
	if first, seen := t.old.firstSeen[number]; seen {
		if out.firstSeen == nil {
			out.firstSeen = map[int32]int64{}
		}
		out.firstSeen[number] = first
	}
}
