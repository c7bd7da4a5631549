package lag

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
