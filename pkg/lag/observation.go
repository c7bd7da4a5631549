package lag

import "time"

// NoOffset is the offset that OffsetFetch gives for a partition without a committed offset.
const NoOffset int64 = -1

// Observation is what one collection read from one cluster, as it was read: nothing in it is derived. Each item carries its
// own error, so that one that failed takes no other with it. All lists are sorted by name or number; no group and no topic is in
// its list twice.
type Observation struct {
	Cluster   string
	StartedAt time.Time // when the collection began

	// MetadataErr says why brokers and topics could not be read; both lists are then empty.
	MetadataErr    error
	MetadataReadAt time.Time
	Brokers        []Broker
	Topics         []Topic

	// ListingErr says why the list of groups may lack some: a group that is absent from it may still exist.
	ListingErr error
	Groups     []GroupObservation
}

// Broker is one node of the cluster.
type Broker struct {
	ID      int32
	Address string // host:port
	// Err is the first failure of this collection that speaks against the broker as a whole (connection, timeout,
	// authentication); nil if it answered.
	Err error
}

// Topic is one topic with its partitions. In an Observation it is as read; in a Snapshot, offsets that could not be read are
// the ones of the last successful read.
type Topic struct {
	Name string
	ID   [16]byte // zero where the broker does not know topic ids (before Metadata v10)
	// Err says why the partitions are not known; Class ClassNotFound if the brokers say that the topic does not exist.
	Err error
	// ReadAt is when the partitions, their leaders and their replicas were read; zero if never. Compute sets it.
	ReadAt     time.Time
	Partitions []Partition

	// missed counts, in a Snapshot, the answers in a row that said that the topic does not exist.
	missed int
}

// Partition is one partition of a topic.
type Partition struct {
	Partition       int32
	Leader          int32 // node id, -1 if there is none now
	PreferredLeader int32 // the first replica, -1 if the replicas are not known
	Replicas        int
	InSyncReplicas  int
	Start           Offset // log start offset
	End             Offset // high watermark
}

// Offset is one offset of a partition's log. Value counts only if ReadAt is set. An Err together with a ReadAt means: not read
// in the latest collection, Value is from ReadAt.
type Offset struct {
	Value  int64
	ReadAt time.Time
	Err    error
}

// Known says whether the offset was read at most maxAge before now.
func (o Offset) Known(now time.Time, maxAge time.Duration) bool {
	return !o.ReadAt.IsZero() && now.Sub(o.ReadAt) <= maxAge
}

// GroupType is the type that ListGroups v5 (KIP-848) gives; brokers that do not tell have classic groups only.
type GroupType string

// The types of groups.
const (
	GroupClassic  GroupType = "classic"
	GroupConsumer GroupType = "consumer" // KIP-848
	GroupShare    GroupType = "share"    // KIP-932
	GroupStreams  GroupType = "streams"  // KIP-1071
)

// GroupObservation is one group as its coordinator described it.
type GroupObservation struct {
	Name         string
	Type         GroupType
	ProtocolType string // "consumer", "connect", …; empty for groups that only commit
	State        string // the broker's name for it, such as "Stable"
	Coordinator  int32  // node id

	MembersErr    error
	MembersReadAt time.Time
	Members       []Member

	CommitsErr    error
	CommitsReadAt time.Time // when the request was sent: the commits are at least this new
	Commits       []TopicCommits
}

// Member is one member of a group.
type Member struct {
	ID         string
	InstanceID string // group.instance.id (KIP-345), empty for dynamic members
	ClientID   string
	ClientHost string // as the broker gives it, such as "/10.1.2.3"
	Subscribed []string
	Assigned   []TopicPartitions
}

// TopicPartitions names partitions of one topic.
type TopicPartitions struct {
	Topic      string
	Partitions []int32
}

// TopicCommits are a group's committed offsets on one topic.
type TopicCommits struct {
	Topic      string
	Partitions []Commit
}

// Commit is the committed offset of one partition: the next record that the group will read.
type Commit struct {
	Partition   int32
	LeaderEpoch int32 // of the last record read, -1 if the consumer did not say
	Offset      int64 // NoOffset if there is none
	Err         error
}
