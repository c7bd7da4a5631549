package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Config says which cluster to read, and what of it.
type Config struct {
	// Cluster is the name under which the cluster is shown.
	Cluster string
	// Brokers are host:port pairs to start from; the rest of the cluster is found through them.
	Brokers []string
	// Timeout bounds one collection as a whole, whatever the brokers do.
	Timeout time.Duration
	// Groups and Topics say by name what to read. Nil reads all.
	Groups, Topics func(name string) bool
	// Options are added to the client's.
	Options []kgo.Opt
}

// Reader reads one cluster. Its Read must not run concurrently with itself.
type Reader struct {
	cfg    Config
	client *kgo.Client
}

// NewReader returns a Reader, which connects only when it reads.
func NewReader(cfg Config) (*Reader, error) {
	all := func(string) bool { return true }
	if cfg.Groups == nil {
		cfg.Groups = all
	}
	if cfg.Topics == nil {
		cfg.Topics = all
	}
	client, err := kgo.NewClient(append(clientOptions(cfg), cfg.Options...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka client for cluster %q: %w", cfg.Cluster, err)
	}
	return &Reader{cfg: cfg, client: client}, nil
}

// Close ends all connections.
func (r *Reader) Close() { r.client.Close() }

func clientOptions(cfg Config) []kgo.Opt {
	// Up to v9, OffsetFetch names topics; v10 gives only their ids, and drops commits of topics that no longer exist.
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.OffsetFetch), 9)
	return []kgo.Opt{
		kgo.ClientID("kafka-lag-adapter"),
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.MaxVersions(versions),
		kgo.DialTimeout(max(cfg.Timeout/2, 100*time.Millisecond)),
		// A context alone does not end a read from a hung broker; this does, and it frees the connection.
		kgo.RequestTimeoutOverhead(max(cfg.Timeout, 100*time.Millisecond)),
		// Only Metadata is sent in a way that the client retries, at another broker each time.
		kgo.RequestRetries(2),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		kgo.RetryTimeout(cfg.Timeout),
		kgo.DisableClientMetrics(), // KIP-714 pushes would be traffic that nobody asked for
	}
}

// The bounds of a collection's phases, as parts of its timeout. What an earlier phase leaves, a later one may use.
const (
	metadataShare = 0.3
	groupsShare   = 0.7
)

// Read makes one collection. It never fails as a whole: what could not be read says so in the observation.
func (r *Reader) Read(ctx context.Context) *lag.Observation {
	start := time.Now()
	phase := func(share float64) (context.Context, context.CancelFunc) {
		return context.WithDeadline(ctx, start.Add(time.Duration(share*float64(r.cfg.Timeout))))
	}
	c := collection{reader: r, obs: &lag.Observation{Cluster: r.cfg.Cluster, StartedAt: start}}

	metadataCtx, cancel := phase(metadataShare)
	defer cancel()
	c.readMetadata(metadataCtx)
	if c.obs.MetadataErr != nil {
		c.obs.ListingErr = c.obs.MetadataErr
		return c.obs
	}
	// Commits come first: an end that is read after a commit can only be larger than it, so that lag never seems negative.
	groupsCtx, cancel := phase(groupsShare)
	defer cancel()
	c.readGroups(groupsCtx)

	offsetsCtx, cancel := phase(1)
	defer cancel()
	c.readUnlistedTopics(offsetsCtx)
	c.readOffsets(offsetsCtx)
	return c.obs
}

// collection is one call of Read under way.
type collection struct {
	reader *Reader
	obs    *lag.Observation
	// leaderEpochs holds the leader epoch of each partition in obs.Topics, by the same indexes.
	leaderEpochs [][]int32
}

// ask sends one request to one broker. A connection that turns out to be closed is tried anew once: brokers close idle
// connections.
func ask[T kmsg.Response](ctx context.Context, r *Reader, broker int32, req kmsg.Request) (T, error) {
	for attempt := 0; ; attempt++ {
		resp, err := r.client.Broker(int(broker)).Request(ctx, req)
		if err == nil {
			return resp.(T), nil
		}
		err = readError(broker, req, err)
		if attempt > 0 || ctx.Err() != nil || lag.ClassOf(err) != lag.ClassConnection {
			var none T
			return none, err
		}
	}
}
