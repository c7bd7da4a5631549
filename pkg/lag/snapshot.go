package lag

import (
	"cmp"
	"slices"
	"time"
)

// Snapshot is what is known of one cluster after a collection. It never changes.
type Snapshot struct {
	Cluster string
	TakenAt time.Time // when the latest collection of the whole cluster began
	// Awaited is since when the list of groups is waited for that is the first one; zero if what is asked of all clusters is answered
	// without this one until it has given that list.
	Awaited time.Time
	// PollTime is how long that collection took; 0 if the reader did not say.
	PollTime time.Duration

	MetadataErr    error     // why that collection could not read Brokers and Topics
	MetadataReadAt time.Time // when they were read; zero if never
	ClusterID      string    // which the cluster gave itself; empty if it never told
	Brokers        []Broker  // by ID
	Topics         []*Topic  // by Name

	// ListingErr says why a group that is not in Groups may exist all the same.
	ListingErr error
	ListedAt   time.Time // when the list of groups was last complete; zero if never
	Groups     []*Group  // by Name
	// Uncollected are groups that exist but are beyond the limit of how many are collected, by name; none of them is in Groups.
	Uncollected []UncollectedGroup

	coordinators []int32 // as in Observation
	listings     []listing
}

// listing is when a broker last gave the list of all groups that it coordinates.
type listing struct {
	broker int32
	at     time.Time
}

// Group is what is known of one consumer group.
//
// Topics is the latest reading of its partitions, all of whose rows were read at ReadAt but those that are unread. Where
// such rows exist, LastComplete is the latest reading without any.
type Group struct {
	Name         string
	Type         GroupType
	ProtocolType string
	State        string
	Protocol     string // by which partitions are assigned; empty where the broker does not tell
	Coordinator  int32

	MembersErr    error
	MembersReadAt time.Time // zero if the members were never read
	Members       []Member

	Start ShareStart // of a share group

	// Err says why the group as a whole could not be read in the latest collection; ReadAt and Topics are then the older ones.
	Err          error
	ReadAt       time.Time // when the commits behind Topics were read; zero if never
	Topics       []TopicLag
	LastComplete *Group // nil if Topics is complete, or if no complete reading exists that still counts

	// DeletedTopics are topics that no longer exist but of which the group still holds commits; they are not counted.
	DeletedTopics []string

	// owned is what Members tell of topics and partitions.
	owned *memberTopics
	// buried are the last readings of DeletedTopics: should such a topic come back, its commits are of another log.
	buried []TopicLag
	// left are the topics that Topics lacks but a reading since the last complete one had; nil if Topics is complete.
	left []string
	// completeAt is when a reading was last complete, if there was one that counts no longer.
	completeAt time.Time
	// missedListings counts the lists in a row that lacked this group, of those that should have had it.
	missedListings int
	// alone says that Topics and what they point to are in memory of their own.
	alone bool
}

// TopicLag is a group's lag on one topic.
type TopicLag struct {
	Topic string
	// Err is why the topic's partitions, or the first that failed, could not be read; nil if every row was read.
	Err          error
	ReadAt       time.Time // when the commits behind the rows that were read were read
	Partitions   []PartitionLag
	Unread       []Unread  // of rows that were not read; nil if all were
	LastComplete *TopicLag // nil if Err is nil, or if no complete reading exists that still counts
	// Lost counts the records that retention or DeleteRecords deleted before the group read them, since the group was first
	// read. It is at least so many: what was both committed and deleted between two readings counts as read.
	Lost int64

	// moreRows says that the group may have partitions on the topic that Partitions lacks.
	moreRows bool
	// doubts says that some row doubts its commit.
	doubts bool
	// firstSeen are, of a share group, the ends of the partitions on which it has acknowledged nothing, when that was first seen.
	firstSeen map[int32]int64
	basis     *Topic // what the rows were worked out against
	// reborn says that basis is of a topic that was deleted, and that the one of this name could not be read yet.
	reborn bool
	place  int // where the topic stood in Snapshot.Topics
}

// PartitionLag is a group's lag on one partition. There are very many of these, so what only few of them need is in
// TopicLag.Unread, and none of them holds a pointer.
type PartitionLag struct {
	Partition int32
	// Unread is 0 if the row was read with its topic's others, at TopicLag.ReadAt. Otherwise it is 1 more than the index of what
	// TopicLag.Unread says of the row.
	Unread    int32
	Committed int64 // NoOffset if the group has none
	Lag       int64 // records, at least 0
}

// Unread says why a row could not be read in the latest collection. Its Committed and Lag are from ReadAt.
type Unread struct {
	Err    error
	ReadAt time.Time // when its values were read; zero if never, or if they no longer count

	doubt doubt
}

// unread returns what is said of a row that was not read, nil if it was.
func (t *TopicLag) unread(row *PartitionLag) *Unread {
	if row.Unread == 0 {
		return nil
	}
	return &t.Unread[row.Unread-1]
}

// RowErr is why the row could not be read in the latest collection; nil if it was.
func (t *TopicLag) RowErr(row *PartitionLag) error {
	if u := t.unread(row); u != nil {
		return u.Err
	}
	return nil
}

// RowReadAt is when the row's values were read; zero if they do not count.
func (t *TopicLag) RowReadAt(row *PartitionLag) time.Time {
	if u := t.unread(row); u != nil {
		return u.ReadAt
	}
	return t.ReadAt
}

// RowKnown says whether the row's values were read at most maxAge before now.
func (t *TopicLag) RowKnown(row *PartitionLag, now time.Time, maxAge time.Duration) bool {
	at := t.RowReadAt(row)
	return !at.IsZero() && now.Sub(at) <= maxAge
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
	i, ok := slices.BinarySearchFunc(s.Topics, name, compareTopic)
	if !ok {
		return nil
	}
	return s.Topics[i]
}

// Existing returns those of the names that groups have, whether or not anything is known of them.
func (s *Snapshot) Existing(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return s.UncollectedGroup(name) == nil && s.Group(name) == nil
	})
}

func compareTopic(t *Topic, name string) int { return cmp.Compare(t.Name, name) }

// MetadataKnown says whether brokers and topics were read at most maxAge before now.
func (s *Snapshot) MetadataKnown(now time.Time, maxAge time.Duration) bool {
	return !s.MetadataReadAt.IsZero() && now.Sub(s.MetadataReadAt) <= maxAge
}

// listedFor is when the list in which the group would stand was last given: its coordinator's, or the list of all coordinators
// where it is not known which of them is the group's.
func (s *Snapshot) listedFor(group string) time.Time {
	coordinator, known := coordinatorOf(group, s.coordinators)
	if !known {
		return s.ListedAt
	}
	for _, l := range s.listings {
		if l.broker == coordinator {
			return l.at
		}
	}
	return time.Time{}
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
func (t *TopicLag) Reading(now time.Time, maxAge time.Duration) (rows []PartitionLag, readAt time.Time, ok bool) {
	if t.Err != nil {
		t = t.LastComplete
	}
	if t == nil || now.Sub(t.ReadAt) > maxAge {
		return nil, time.Time{}, false
	}
	return t.Partitions, t.ReadAt, true
}

// Reading returns the group's topics as of one moment at which every partition was known, if that was at most maxAge before now:
// the latest reading if it is complete, else the last one that was. ok is false if there is none, and a sum over the group is
// then not known.
func (g *Group) Reading(now time.Time, maxAge time.Duration) (topics []TopicLag, readAt time.Time, ok bool) {
	c := g.complete()
	if c == nil || now.Sub(c.ReadAt) > maxAge {
		return nil, time.Time{}, false
	}
	return c.Topics, c.ReadAt, true
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
	return g.completeAt
}

// Reason is why the group's latest reading is old or incomplete, nil if it is neither.
func (g *Group) Reason() error {
	if g.Err != nil {
		return g.Err
	}
	return g.incompleteErr()
}

// topic returns the group's lag on the topic, nil if g is nil or has none.
func (g *Group) topic(name string) *TopicLag {
	if g == nil {
		return nil
	}
	return findTopic(g.Topics, name)
}

func findTopic(topics []TopicLag, name string) *TopicLag {
	i, ok := slices.BinarySearchFunc(topics, name, func(t TopicLag, name string) int { return cmp.Compare(t.Topic, name) })
	if !ok {
		return nil
	}
	return &topics[i]
}
