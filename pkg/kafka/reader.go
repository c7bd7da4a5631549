package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Config says which cluster to read, and what of it.
type Config struct {
	// Cluster is the name under which the cluster is shown.
	Cluster string
	// Brokers are host:port pairs to start from; the rest of the cluster is found through them.
	Brokers []string
	// Timeout bounds a collection of the whole cluster, HotTimeout one of single groups, whatever the brokers do. HotTimeout is
	// Timeout if it is zero.
	Timeout, HotTimeout time.Duration
	// Groups and Topics say by name what to read. Nil reads all.
	Groups, Topics func(name string) bool
	// Security says how to connect.
	Security Security
	// Options are added to the clients'.
	Options []kgo.Opt
	// Policy gives the policy of a group, which decides what has to be read for it. Nil gives every group the zero Policy.
	Policy lag.Policies
	// SlowEvery is how old the log start offsets, and the members of a group whose state has not changed, may get before they are
	// read again. Zero reads them each time.
	SlowEvery time.Duration
	// MaxGroups and MaxPartitions limit how many groups are read, and how many partitions with commits they may have between
	// them. Zero is no limit. Beyond it, groups are left out; see [lag.Observation.Uncollected].
	MaxGroups, MaxPartitions int
	// Wanted returns the names of groups that are left out last, and whose members are read each time. Nil is none.
	Wanted func() []string

	// connect opens connections. Nil is TCP; tests on a clock of their own have a network of their own.
	connect func(ctx context.Context, network, address string) (net.Conn, error)
}

func (cfg Config) withDefaults() Config {
	all := func(string) bool { return true }
	if cfg.Groups == nil {
		cfg.Groups = all
	}
	if cfg.Topics == nil {
		cfg.Topics = all
	}
	if cfg.Wanted == nil {
		cfg.Wanted = func() []string { return nil }
	}
	cfg.HotTimeout = cmp.Or(cfg.HotTimeout, cfg.Timeout)
	return cfg
}

// Reader reads one cluster. Read and ReadGroups may run at the same time, but neither at the same time as itself.
type Reader struct {
	cfg  Config
	slow pace
	// topics and members are what was last decoded of all topics and of each group.
	topics  metadataCache
	members memberCache
	loaded  loaded
	// Each lane has connections of its own, so that a large answer in one does not hold up the other.
	full, hot *lane
}

// NewReader returns a Reader, which connects only when it reads.
func NewReader(cfg Config) (*Reader, error) {
	cfg = cfg.withDefaults()
	if len(cfg.Brokers) == 0 {
		return nil, fmt.Errorf("cluster %q: no broker is given to start from", cfg.Cluster)
	}
	who, err := cfg.Security.identity()
	if err != nil {
		return nil, fmt.Errorf("kafka client for cluster %q: %w", cfg.Cluster, err)
	}
	hold := &authHold{}
	r := &Reader{
		cfg: cfg, slow: newPace(cfg.SlowEvery),
		full: newLane(cfg, cfg.Timeout, hold, who), hot: newLane(cfg, cfg.HotTimeout, hold, who),
	}
	for _, seed := range cfg.Brokers { // finds mistakes in the options now
		if _, err := r.full.link(seed); err != nil {
			r.Close()
			return nil, fmt.Errorf("kafka client for cluster %q: %w", cfg.Cluster, err)
		}
	}
	return r, nil
}

// Close ends all connections and all that goes on in the background.
func (r *Reader) Close() {
	r.full.close()
	r.hot.close()
	if who := r.full.identity; who != nil && who.close != nil {
		who.close()
	}
}

// The bounds of a collection's phases, as parts of its timeout. What an earlier phase leaves, a later one may use.
const (
	metadataShare = 0.25
	listingShare  = 0.45
	groupsShare   = 0.75
	offsetsShare  = 0.9
)

// Read makes one collection of the whole cluster. It never fails as a whole: what could not be read says so in the observation.
// prev, nil before the first, is what is known already: it decides what need not be read again. The commits in the observation are
// good until the next Read.
//
// Commits and log ends are read each time. The members of a group are read when the group is new, when it is not at rest
// (Stable or Empty), when its state, type or coordinator changed, when they could not be read the last time, when its policy or a
// reader of the group depends on them, and else every SlowEvery. A rebalance that begins and ends between two collections is
// thus noticed within SlowEvery. Log starts are read where one was never read, where a commit lies before it, where a policy
// depends on it, and else every SlowEvery.
func (r *Reader) Read(ctx context.Context, prev *lag.Snapshot) *lag.Observation {
	c := r.newCollection(r.full, prev)
	defer func() { c.obs.EndedAt = time.Now() }()
	metadataCtx, cancel := c.phase(ctx, metadataShare)
	defer cancel()
	c.readMetadata(metadataCtx)
	if c.obs.MetadataErr != nil {
		c.obs.ListingErr = c.obs.MetadataErr
		return c.obs
	}
	c.indexGroups()
	listingCtx, cancel := c.phase(ctx, listingShare)
	defer cancel()
	c.listGroups(listingCtx)
	c.limitGroups()
	c.addUnlisted()
	// Commits come first: an end that is read after a commit can only be larger than it, so that lag never seems negative.
	groupsCtx, cancel := c.phase(ctx, groupsShare)
	defer cancel()
	c.readGroups(groupsCtx)
	c.limitPartitions()
	c.forgetMembers()
	c.readOffsets(ctx)
	c.obs.Brokers = c.brokersRead()
	c.obs.RotationErr = r.full.rotationErr()
	return c.obs
}

// readOffsets reads what the groups' lag is measured against.
func (c *collection) readOffsets(ctx context.Context) {
	offsetsCtx, cancel := c.phase(ctx, offsetsShare)
	defer cancel()
	c.readNamedTopics(offsetsCtx, c.unlistedTopics())
	c.indexTopics()
	c.decideNeeds()
	c.askLeaders(offsetsCtx)
	lastCtx, cancel := c.phase(ctx, 1)
	defer cancel()
	c.retryMoved(lastCtx)
}

// collection is one call of Read or ReadGroups under way.
type collection struct {
	reader *Reader
	lane   *lane
	prev   *lag.Snapshot // never nil
	obs    *lag.Observation
	wanted map[string]bool // see Config.Wanted
	// unlisted are the groups that were known before and that their coordinator's list lacks.
	unlisted map[string]bool

	brokers []*brokerState           // by ID
	adrift  []lag.GroupObservation   // groups without a coordinator to ask
	parts   [][]lag.GroupObservation // the groups of each of the brokers, by the same index
	listed  *listedTopics            // what the list of all topics says; nil if it was not asked for
	topicAt map[string]int           // where each topic stands in obs.Topics; nil if that is to be searched for
	olds    map[string]*lag.Group    // the groups of prev; nil if they are to be searched for
	needs   []topicNeeds             // what to read of each topic in obs.Topics, by the same index
	// leaderless holds the reasons why partitions have no leader, as codes.
	leaderless map[partitionName]int16
	// failures are the offsets that could not be read.
	failures offsetFailures

	noted  []epochsNoted // of each topic in obs.Topics, by the same index; nil if nothing is noted
	endsMu sync.Mutex
	ends   []epochEnd // what the leaders told of the ends of epochs
}

func (r *Reader) newCollection(l *lane, prev *lag.Snapshot) *collection {
	l.renew()
	if prev == nil {
		prev = &lag.Snapshot{}
	}
	c := &collection{
		reader: r, lane: l, prev: prev, obs: &lag.Observation{Cluster: r.cfg.Cluster, StartedAt: time.Now()},
		wanted: make(map[string]bool), unlisted: make(map[string]bool),
	}
	l.commits.reset()
	for _, name := range r.cfg.Wanted() {
		c.wanted[name] = true
	}
	return c
}

// indexGroups makes old quick, where it is asked for every group.
func (c *collection) indexGroups() {
	c.olds = make(map[string]*lag.Group, len(c.prev.Groups))
	for _, g := range c.prev.Groups {
		c.olds[g.Name] = g
	}
}

// old returns what is known of the group from before, nil if nothing is.
func (c *collection) old(name string) *lag.Group {
	if c.olds != nil {
		return c.olds[name]
	}
	return c.prev.Group(name)
}

// phase bounds a part of the collection that ends when this share of the timeout is over.
func (c *collection) phase(ctx context.Context, share float64) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, c.obs.StartedAt.Add(time.Duration(share*float64(c.lane.timeout))))
}

var errUnknownBroker = errors.New("the brokers' list of brokers has none of this id")
