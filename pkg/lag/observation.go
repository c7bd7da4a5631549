package lag

import "time"

// NoOffset is the offset that OffsetFetch gives for a partition without a committed offset.
const NoOffset int64 = -1

// Observation is what one collection read from one cluster, as it was read: nothing in it is derived. Each item carries its
// own error, so that one that failed takes no other with it; what has neither an error nor a time was not asked for, and what was
// known of it stays. All lists are sorted by name or number; no group and no topic is in its list twice.
type Observation struct {
	Cluster   string
	StartedAt time.Time // when the collection began
	EndedAt   time.Time // when it ended; zero if the reader does not say

	// Partial says that only the groups and topics that are listed here were asked for: absence from a list says nothing, and
	// neither do Brokers, Listed and Coordinators.
	Partial bool

	// MetadataErr says why brokers and topics could not be read; both lists are then empty.
	MetadataErr    error
	MetadataReadAt time.Time
	ClusterID      string // which the cluster gave itself; empty if it does not tell
	Brokers        []Broker
	Topics         []Topic

	// RotationErr says why secrets that were rotated are not in use; nil if there is nothing of that kind. What was read was read
	// over connections made before.
	RotationErr error

	// ListingErr says why the list of groups may lack some; nil if every coordinator gave its list.
	ListingErr error
	// Listed are the node ids of the brokers that gave the list of all groups that they coordinate.
	Listed []int32
	// Coordinators holds, by partition of __consumer_offsets, the node id of its leader (-1 if it has none now), which is the
	// coordinator of the partition's groups (see CoordinatorPartition); nil if that is not known.
	Coordinators []int32
	Groups       []GroupObservation
	// Uncollected are groups that exist but were left out, as there are more than the limit; by name.
	Uncollected []UncollectedGroup
}

// Broker is one node of the cluster.
type Broker struct {
	ID      int32
	Address string // host:port
	// Err is the first failure of this collection that speaks against the broker as a whole (connection, timeout,
	// authentication); nil if it answered.
	Err error
	// Lacking names what the broker is too old for; nil if nothing, or if it has not said yet.
	Lacking []Capability
}

// Capability is something that not every version of Kafka can do. It is a label value, so the set is small and closed.
type Capability string

// The capabilities that make a difference.
const (
	CapabilityBatchedCommits Capability = "batched_offset_fetch"    // OffsetFetch v8 (KIP-709): all groups in one request
	CapabilityGroupTypes     Capability = "group_types"             // ListGroups v5 (KIP-848)
	CapabilityConsumerGroups Capability = "consumer_group_describe" // KIP-848
	CapabilityShareGroups    Capability = "share_group_describe"    // KIP-932
	CapabilityShareLag       Capability = "share_group_lag"         // DescribeShareGroupOffsets v1 (KIP-1226): the broker's own lag
	CapabilityStreamsGroups  Capability = "streams_group_describe"  // KIP-1071
	CapabilityTopicIDs       Capability = "topic_ids"               // Metadata v10 (KIP-516): re-created topics are recognised
	CapabilityLastStable     Capability = "last_stable_offset"      // ListOffsets v2 (KIP-98): read_committed groups
	CapabilityLeaderEpochs   Capability = "leader_epochs"           // ListOffsets v4 (KIP-320): truncation is recognised
	CapabilityEpochEnds      Capability = "leader_epoch_ends"       // OffsetForLeaderEpoch v2 (KIP-320): also once the log has grown again
)

// Without says what becomes of consumer groups where brokers lack the capability.
func (c Capability) Without() string {
	switch c {
	case CapabilityBatchedCommits:
		return "the commits of each group take a request of their own"
	case CapabilityGroupTypes:
		return "every group is taken for a classic one"
	case CapabilityConsumerGroups, CapabilityShareGroups, CapabilityStreamsGroups:
		return "the members of such groups are unknown"
	case CapabilityShareLag:
		return "the lag of share groups counts records that were acknowledged out of order"
	case CapabilityTopicIDs:
		return "a topic created anew is recognised only by its leader epochs, or by commits beyond its end"
	case CapabilityLastStable:
		return "the lag of groups that read committed records is unknown"
	case CapabilityLeaderEpochs:
		return "a truncated log is recognised only by commits beyond its end"
	case CapabilityEpochEnds:
		return "a truncated log is not recognised once it has grown past the commits"
	}
	return ""
}

// Capabilities lists every Capability.
func Capabilities() []Capability {
	return []Capability{
		CapabilityBatchedCommits, CapabilityGroupTypes, CapabilityConsumerGroups, CapabilityShareGroups, CapabilityShareLag,
		CapabilityStreamsGroups, CapabilityTopicIDs, CapabilityLastStable, CapabilityLeaderEpochs, CapabilityEpochEnds,
	}
}

// Topic is one topic with its partitions. In an Observation it is as read; in a Snapshot, offsets that could not be read are
// the ones of the last successful read.
type Topic struct {
	Name string
	ID   [16]byte // zero where the broker does not know topic ids (before Metadata v10)
	// Err says why the partitions are not known; Class ClassNotFound if the brokers say that the topic does not exist.
	Err error
	// ReadAt is when the partitions, their leaders and their replicas were read; zero if never. Compute sets it.
	ReadAt time.Time
	// Partitions are in the order of their numbers. They never change, and observations and snapshots share them.
	Partitions []Partition
	// EpochEnds are where earlier leader epochs end, by partition and epoch: of those in which offsets were committed that groups
	// still have. Nearly all topics have none.
	EpochEnds []EpochEnd

	Starts      Offsets // log start offsets
	Ends        Offsets // high watermarks
	LastStables Offsets // last stable offsets, which is where read_committed consumers stop
	// LeaderEpochs are those that the leaders told with Ends, by the index of Partitions, -1 where they did not; nil if none did.
	LeaderEpochs []int32

	// missed counts, in a Snapshot, the answers in a row that said that the topic does not exist.
	missed int
	// version is, in a Snapshot, the same as long as no log start moves and no leader epoch goes back.
	version *version
}

// Partition is one partition of a topic, as Metadata describes it.
type Partition struct {
	Partition       int32
	Leader          int32 // node id, -1 if there is none now
	LeaderEpoch     int32 // -1 if the broker did not tell
	PreferredLeader int32 // the first replica, -1 if the replicas are not known
	Replicas        int32
	InSyncReplicas  int32
}

// version stands for itself: two are the same if they are the same pointer.
type version struct{ _ byte }

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
	Protocol     string // by which partitions are assigned, such as "range"; empty where the broker does not tell. Read with Members
	Coordinator  int32  // node id

	MembersErr    error
	MembersReadAt time.Time // zero, without an error: not asked for, the members that are known stay
	Members       []Member

	CommitsErr    error
	CommitsReadAt time.Time // when the request was sent: the commits are at least this new
	Commits       []TopicCommits

	Start ShareStart // of a share group; the zero value was not asked for
}

// Member is one member of a group.
type Member struct {
	ID         string
	InstanceID string // group.instance.id (KIP-345), empty for dynamic members
	ClientID   string
	ClientHost string // as the broker gives it, such as "/10.1.2.3"
	Subscribed []string
	// Pattern is the regular expression by which the member subscribes (KIP-848), empty if it does not. The broker does not tell
	// which topics match it.
	Pattern  string
	Assigned []TopicPartitions
}

// TopicPartitions names partitions of one topic.
type TopicPartitions struct {
	Topic      string
	Partitions []int32
}

// TopicCommits are a group's committed offsets on one topic.
type TopicCommits struct {
	Topic      string
	Partitions []Commit // in the order of their numbers
	// Failed says which of Partitions could not be read, in order; nil if all could.
	Failed []FailedCommit
	// BrokerLags are, by the index of Partitions, the lags that the broker gives of a share group, NoOffset (-1) where it gives
	// none; nil if it gives none at all. They are the only ones that count records behind the start offset as done (acknowledged out
	// of order). Of other groups they mean nothing.
	BrokerLags []int64
}

// Commit is the committed offset of one partition: the next record that the group will read. Of a share group, it is the
// share-partition start offset (KIP-932): all records before it are done with. There are very many of these.
type Commit struct {
	Partition   int32
	LeaderEpoch int32 // of the last record read, -1 if the consumer did not say
	Offset      int64 // NoOffset if there is none
}

// FailedCommit says why the commit of one partition could not be read.
type FailedCommit struct {
	Partition int32
	Err       error
}
