package lag

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxLag is the largest lag that is believed: 2^53 records, the integers that a float64 sample holds exactly. It is also far
// below the 9.2e15 from which the HPA's milli-values overflow.
const maxLag int64 = 1 << 53

// errUndescribed is what is known of a topic that the metadata did not mention.
var errUndescribed = &ReadError{Class: ClassOther, Broker: -1, Op: "Metadata", Err: errors.New("the topic was not described")}

// topicComputation works out a group's lag on one topic.
type topicComputation struct {
	topic      *Topic // nil if the metadata did not mention it
	commits    []Commit
	commitsErr error
	assigned   []int32
	subscribed bool
	readAt     time.Time // when the commits were read
	policy     Policy
}

func (c *topicComputation) lag(name string, old *TopicLag) TopicLag {
	topicErr := c.topicErr()
	t := TopicLag{Topic: name, ReadAt: c.readAt, Err: topicErr, moreRows: topicErr != nil && (c.subscribed || c.commitsErr != nil)}
	numbers := c.partitions()
	t.Partitions = make([]PartitionLag, 0, len(numbers))
	for _, number := range numbers {
		row := c.partition(number, topicErr)
		if row.Err != nil {
			row = row.from(old)
			if t.Err == nil {
				t.Err = fmt.Errorf("topic %q partition %d: %w", name, number, row.Err)
			}
		}
		t.Partitions = append(t.Partitions, row)
	}
	if t.Err != nil {
		t.LastComplete = old.complete()
	}
	return t
}

// topicErr returns why no partition of the topic can be known, nil if each speaks for itself.
func (c *topicComputation) topicErr() error {
	switch {
	case c.topic == nil:
		return errUndescribed
	case c.topic.Err != nil:
		return c.topic.Err
	}
	return c.commitsErr
}

// partitions returns the numbers of the group's partitions on the topic, in order.
func (c *topicComputation) partitions() []int32 {
	numbers := make([]int32, 0, len(c.commits)+len(c.assigned))
	for i := range c.commits {
		numbers = append(numbers, c.commits[i].Partition)
	}
	numbers = append(numbers, c.assigned...)
	if c.subscribed && c.topic != nil {
		for i := range c.topic.Partitions {
			numbers = append(numbers, c.topic.Partitions[i].Partition)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// partition works out one partition's lag; its Err says why if it cannot be known.
func (c *topicComputation) partition(number int32, topicErr error) PartitionLag {
	row := PartitionLag{Partition: number, Committed: NoOffset}
	commit, err := c.commit(number)
	if row.Err = topicErr; row.Err == nil {
		row.Err = err
	}
	if row.Err != nil {
		return row
	}
	p := c.topic.partition(number)
	if p == nil {
		row.Err = &ReadError{Class: ClassOffsetRange, Broker: -1, Op: "Metadata",
			Err: fmt.Errorf("the topic has %d partitions, not this one", len(c.topic.Partitions))}
		return row
	}
	value, err := partitionLag(commit, p, c.readAt, c.policy)
	if err != nil {
		row.Err = err
		return row
	}
	row.Committed, row.Lag, row.ReadAt = commit, value, c.readAt
	return row
}

// commit returns the committed offset of the partition, NoOffset if there is none.
func (c *topicComputation) commit(number int32) (int64, error) {
	i, ok := slices.BinarySearchFunc(c.commits, number, func(c Commit, n int32) int { return cmp.Compare(c.Partition, n) })
	if !ok {
		return NoOffset, nil
	}
	commit := &c.commits[i]
	switch {
	case commit.Err != nil:
		return NoOffset, commit.Err
	case i+1 < len(c.commits) && c.commits[i+1].Partition == number:
		return NoOffset, contradiction("OffsetFetch", ClassProtocol, "two committed offsets for one partition")
	case commit.Offset < NoOffset:
		return NoOffset, contradiction("OffsetFetch", ClassProtocol, "a committed offset of %d", commit.Offset)
	}
	return commit.Offset, nil
}

// partitionLag is the arithmetic of lag: end − max(commit, start), never below 0. The end must be of this collection, since an
// end older than the commit hides what came between; a start may be older, since it moves only where retention deletes.
func partitionLag(commit int64, p *Partition, readAt time.Time, policy Policy) (int64, error) {
	if p.End.Err != nil {
		return 0, p.End.Err
	}
	if p.End.ReadAt.Before(readAt) {
		return 0, contradiction("ListOffsets", ClassProtocol, "the high watermark was read before the committed offset")
	}
	if commit == NoOffset && policy.OffsetReset == ResetLatest {
		return 0, nil
	}
	if p.Start.ReadAt.IsZero() {
		return 0, contradiction("ListOffsets", ClassOf(p.Start.Err), "the log start offset was never read: %w", p.Start.Err)
	}
	from := max(commit, p.Start.Value)
	switch {
	case commit > p.End.Value:
		return 0, contradiction("OffsetFetch", ClassOffsetRange, "the committed offset %d is beyond the high watermark %d: "+
			"the log was truncated or the topic created anew; the group must commit again or its offsets must be reset", commit, p.End.Value)
	case from > p.End.Value:
		return 0, contradiction("ListOffsets", ClassOffsetRange, "the log start offset %d is beyond the high watermark %d", from, p.End.Value)
	case p.End.Value-from > maxLag:
		return 0, contradiction("ListOffsets", ClassProtocol, "a lag of %d, more than 2^53 records, is not believed", p.End.Value-from)
	}
	return p.End.Value - from, nil
}

// from fills what could not be read with the last value that was.
func (p PartitionLag) from(old *TopicLag) PartitionLag {
	if old == nil {
		return p
	}
	i, ok := slices.BinarySearchFunc(old.Partitions, p.Partition, func(r PartitionLag, n int32) int { return cmp.Compare(r.Partition, n) })
	if ok {
		p.Committed, p.Lag, p.ReadAt = old.Partitions[i].Committed, old.Partitions[i].Lag, old.Partitions[i].ReadAt
	}
	return p
}

func (t *TopicLag) complete() *TopicLag {
	if t == nil || t.Err == nil {
		return t
	}
	return t.LastComplete
}

// partition returns the partition of that number, nil if the topic has none.
func (t *Topic) partition(number int32) *Partition {
	i, ok := slices.BinarySearchFunc(t.Partitions, number, func(p Partition, n int32) int { return cmp.Compare(p.Partition, n) })
	if !ok {
		return nil
	}
	return &t.Partitions[i]
}

func contradiction(op string, class Class, format string, args ...any) error {
	return &ReadError{Class: class, Broker: -1, Op: op, Err: fmt.Errorf(format, args...)}
}
