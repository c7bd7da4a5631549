package lag

import (
	"cmp"
	"slices"
	"time"
)

// Snapshot is what is known of one cluster after a collection. It never changes.
type Snapshot struct {
	Cluster string
	TakenAt time.Time // when the collection that made it began

	MetadataErr    error     // why the latest collection could not read Brokers and Topics
	MetadataReadAt time.Time // when they were read; zero if never
	Brokers        []Broker  // by ID
	Topics         []Topic   // by Name

	// ListingErr says why a group that is not in Groups may exist all the same.
	ListingErr error
	ListedAt   time.Time // when the list of groups was last complete; zero if never
	Groups     []*Group  // by Name
}

// Group is what is known of one consumer group.
//
// Topics is the latest reading of its partitions, all of whose rows were read at ReadAt but those that carry an error. Where
// such rows exist, LastComplete is the latest reading without any.
type Group struct {
	Name         string
	Type         GroupType
	ProtocolType string
	State        string
	Coordinator  int32

	MembersErr    error
	MembersReadAt time.Time // zero if the members were never read
	Members       []Member

	// Err says why the group as a whole could not be read in the latest collection; ReadAt and Topics are then the older ones.
	Err          error
	ReadAt       time.Time // when the commits behind Topics were read; zero if never
	Topics       []TopicLag
	LastComplete *Group // nil if Topics is complete, or if no complete reading exists

	// DeletedTopics are topics that no longer exist but of which the group still holds commits; they are not counted.
	DeletedTopics []string

	// left are the topics that Topics lacks but a reading since LastComplete had; nil if Topics is complete.
	left []string
	// missedListings counts the complete lists of groups in a row that lacked this group.
	missedListings int
}

// TopicLag is a group's lag on one topic.
type TopicLag struct {
	Topic string
	// Err is why the topic's partitions, or the first that failed, could not be read; nil if every row was read.
	Err          error
	ReadAt       time.Time // when the commits behind the rows without an error were read
	Partitions   []PartitionLag
	LastComplete *TopicLag // nil if Err is nil, or if no complete reading exists

	// moreRows says that the group may have partitions on the topic that Partitions lacks.
	moreRows bool
}

// PartitionLag is a group's lag on one partition. Committed and Lag count only if ReadAt is set.
type PartitionLag struct {
	Partition int32
	Committed int64 // NoOffset if the group has none
	Lag       int64 // records, at least 0
	ReadAt    time.Time
	Err       error // why it could not be read in the latest collection; nil if it was
}

// Known says whether the lag was read at most maxAge before now.
func (p PartitionLag) Known(now time.Time, maxAge time.Duration) bool {
	return !p.ReadAt.IsZero() && now.Sub(p.ReadAt) <= maxAge
}

// Group returns the group of that name, nil if it is not known.
func (s *Snapshot) Group(name string) *Group {
	i, ok := slices.BinarySearchFunc(s.Groups, name, func(g *Group, name string) int { return cmp.Compare(g.Name, name) })
	if !ok {
		return nil
	}
	return s.Groups[i]
}

// Topic returns the topic of that name, nil if it is not known.
func (s *Snapshot) Topic(name string) *Topic {
	i, ok := slices.BinarySearchFunc(s.Topics, name, func(t Topic, name string) int { return cmp.Compare(t.Name, name) })
	if !ok {
		return nil
	}
	return &s.Topics[i]
}

// MetadataKnown says whether brokers and topics were read at most maxAge before now.
func (s *Snapshot) MetadataKnown(now time.Time, maxAge time.Duration) bool {
	return !s.MetadataReadAt.IsZero() && now.Sub(s.MetadataReadAt) <= maxAge
}

// Known says whether the topic's partitions, leaders and replicas were read at most maxAge before now. Offsets have times of
// their own.
func (t *Topic) Known(now time.Time, maxAge time.Duration) bool {
	return !t.ReadAt.IsZero() && now.Sub(t.ReadAt) <= maxAge
}

// complete returns the latest reading of the group in which every partition was known, nil if there is none.
func (g *Group) complete() *Group {
	if g.incompleteErr() != nil || g.ReadAt.IsZero() {
		return g.LastComplete
	}
	return g
}

// incompleteErr returns why the reading in Topics has unknown rows, nil if it has none.
func (g *Group) incompleteErr() error {
	for i := range g.Topics {
		if err := g.Topics[i].Err; err != nil {
			return err
		}
	}
	return nil
}

// Reading returns the partitions of the topic as of one moment, all known at most maxAge before now: the latest reading if it
// is complete, else the last one that was. ok is false if there is none, and a sum over the topic is then not known.
func (t *TopicLag) Reading(now time.Time, maxAge time.Duration) (rows []PartitionLag, ok bool) {
	if t.Err != nil {
		t = t.LastComplete
	}
	if t == nil || now.Sub(t.ReadAt) > maxAge {
		return nil, false
	}
	return t.Partitions, true
}

// Known says whether the group's total lag was read at most maxAge before now.
func (g *Group) Known(now time.Time, maxAge time.Duration) bool {
	c := g.complete()
	return c != nil && now.Sub(c.ReadAt) <= maxAge
}

// CompleteAt is when the group's total lag was last read; zero if never.
func (g *Group) CompleteAt() time.Time {
	if c := g.complete(); c != nil {
		return c.ReadAt
	}
	return time.Time{}
}

// Reason is why the group's latest reading is old or incomplete, nil if it is neither.
func (g *Group) Reason() error {
	if g.Err != nil {
		return g.Err
	}
	return g.incompleteErr()
}
