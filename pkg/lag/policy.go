package lag

import "time"

// Policy is what the operator decides about a group, as the brokers do not know it. The zero value has Kafka's own defaults.
type Policy struct {
	// OffsetReset says where the group starts on a partition on which it has committed nothing: the consumers'
	// auto.offset.reset.
	OffsetReset OffsetReset
	// ReadCommitted says that the consumers' isolation.level is read_committed: for them a log ends at the last stable offset, not
	// at the high watermark.
	ReadCommitted bool
	// IgnoreUnsubscribed leaves out topics on which the group has commits but to which no member subscribes and of which none has
	// partitions. It counts only while members tell their topics: without any, every topic with a commit counts.
	IgnoreUnsubscribed bool
}

// OffsetReset is a consumer's auto.offset.reset.
type OffsetReset int

// The resets. The zero value is Kafka's own default.
const (
	ResetLatest   OffsetReset = iota // starts at the end: a lag of 0
	ResetEarliest                    // starts at the log start: a lag of the whole log
)

// Policies gives the policy of each group; nil gives every group the zero Policy.
type Policies func(group string) Policy

// Of returns the policy of a group.
func (p Policies) Of(group string) Policy {
	if p == nil {
		return Policy{}
	}
	return p(group)
}

// ShareStart says where a share group starts on a partition of which it has acknowledged nothing: its share.auto.offset.reset, which
// the brokers know, unlike the consumers' auto.offset.reset.
type ShareStart struct {
	Reset  OffsetReset
	ReadAt time.Time // zero if it was never read; Reset counts only if it was
	Err    error     // why it could not be read the last time
}

// For returns the policy for a group of that type: what brokers tell comes before what the operator says.
func (p Policy) For(kind GroupType, start ShareStart) Policy {
	if kind == GroupShare && !start.ReadAt.IsZero() {
		p.OffsetReset = start.Reset
	}
	return p
}

// merged returns the later of what is known and what was read; what could not be read keeps what is known, with the reason.
func (s ShareStart) merged(read ShareStart) ShareStart {
	switch {
	case read.Err != nil:
		s.Err = read.Err
		return s
	case read.ReadAt.IsZero(), read.ReadAt.Before(s.ReadAt):
		return s
	}
	return read
}
