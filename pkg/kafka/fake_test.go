package kafka

import (
	"context"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// fake is an in-process Kafka (kfake) of three brokers, with a client to fill it.
type fake struct {
	*kfake.Cluster
	t       *testing.T
	client  *kgo.Client
	network *kfake.VirtualNetwork // nil for TCP
	latency [3]atomic.Int64       // of each broker's answers, in ns, where it is not TCP

	mu    sync.Mutex
	conns []net.Conn // that were opened, where it is not TCP
}

// cutAll ends all connections.
func (f *fake) cutAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		_ = c.Close() // some are closed
	}
	f.conns = nil
}

func newFake(t *testing.T, opts ...kfake.Opt) *fake {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3), kfake.SeedTopics(4, "orders"), kfake.SleepOutOfOrder()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	f := &fake{Cluster: cluster, t: t}
	f.client = f.newClient()
	return f
}

// newFakeInMemory is newFake without TCP, for tests on a clock of their own (testing/synctest): no time passes while anything is at
// work, so that on no machine, however slow, something is late that is not meant to be.
func newFakeInMemory(t *testing.T, opts ...kfake.Opt) *fake {
	t.Helper()
	f := &fake{t: t, network: &kfake.VirtualNetwork{}}
	listen := func(network, address string) (net.Listener, error) {
		listener, err := f.network.Listen(network, address)
		port := strings.TrimPrefix(address, "127.0.0.1:")
		return &lateListener{listener, f, &f.latency[slices.Index([]string{"1", "2", "3"}, port)]}, err
	}
	opts = append([]kfake.Opt{kfake.NumBrokers(3), kfake.SeedTopics(4, "orders"), kfake.SleepOutOfOrder(), kfake.Ports(1, 2, 3), kfake.ListenFn(listen)}, opts...)
	var err error
	if f.Cluster, err = kfake.NewCluster(opts...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	f.client = f.newClient()
	return f
}

// lateListener delays what is written to its connections.
type lateListener struct {
	net.Listener
	fake    *fake
	latency *atomic.Int64
}

// Accept waits for a connection.
func (l *lateListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	late := &lateConn{conn, l.latency, ctx, cancel}
	l.fake.mu.Lock()
	defer l.fake.mu.Unlock()
	l.fake.conns = append(l.fake.conns, late)
	return late, nil
}

type lateConn struct {
	net.Conn
	latency *atomic.Int64
	open    context.Context //nolint:containedctx // ended by Close
	ended   context.CancelFunc
}

// Write writes after a while.
func (c *lateConn) Write(p []byte) (int, error) {
	if err := sleep(c.open, time.Duration(c.latency.Load())); err != nil {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

// Close closes the connection.
func (c *lateConn) Close() error {
	c.ended()
	return c.Conn.Close()
}

func (f *fake) newClient(opts ...kgo.Opt) *kgo.Client {
	f.t.Helper()
	if f.network != nil {
		opts = append(opts, kgo.Dialer(f.network.DialContext))
	}
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(f.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(client.Close)
	return client
}

// produce appends n records to each of the partitions.
func (f *fake) produce(topic string, n int, partitions ...int32) {
	f.t.Helper()
	for _, p := range partitions {
		for range n {
			if err := f.client.ProduceSync(f.t.Context(), &kgo.Record{Topic: topic, Partition: p, Value: []byte("x")}).FirstErr(); err != nil {
				f.t.Fatal(err)
			}
		}
	}
}

// commit commits one offset per partition, counting from 0, without a member.
func (f *fake) commit(group, topic string, offsets ...int64) {
	f.t.Helper()
	var commits kadm.Offsets
	for p, o := range offsets {
		commits.AddOffset(topic, int32(p), o, -1)
	}
	if err := kadm.NewClient(f.client).CommitAllOffsets(f.t.Context(), group, commits); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fake) reader(change ...func(*Config)) *Reader {
	f.t.Helper()
	cfg := Config{Cluster: "test", Brokers: f.ListenAddrs(), Timeout: 30 * time.Second}
	if f.network != nil {
		cfg.connect = f.network.DialContext
	}
	for _, c := range change {
		c(&cfg)
	}
	r, err := NewReader(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(r.Close)
	return r
}

func group(t *testing.T, obs *lag.Observation, name string) *lag.GroupObservation {
	t.Helper()
	for i := range obs.Groups {
		if obs.Groups[i].Name == name {
			return &obs.Groups[i]
		}
	}
	t.Fatalf("no group %q in %+v", name, obs.Groups)
	return nil
}

func topic(t *testing.T, obs *lag.Observation, name string) *lag.Topic {
	t.Helper()
	for i := range obs.Topics {
		if obs.Topics[i].Name == name {
			return &obs.Topics[i]
		}
	}
	t.Fatalf("no topic %q in the observation", name)
	return nil
}

// total computes the snapshot and sums the group's lag.
func total(obs *lag.Observation, group string) (lag.Total, error) {
	s := lag.Compute(nil, obs, nil)
	return lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{group}, What: group}, time.Now(), time.Minute)
}

// hang makes one broker accept requests and never answer.
func (f *fake) hang(node int32) {
	f.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		if f.CurrentNode() != node {
			return nil, nil, false
		}
		return nil, nil, true
	})
}

// answer answers every request of the kind, from now on, where answer returns a response.
func (f *fake) answer(key kmsg.Key, answer func(req kmsg.Request) kmsg.Response) {
	f.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		resp := answer(req)
		return resp, nil, resp != nil
	})
}

// requests counts what a Reader sends, by kind and address.
type requests struct {
	mu    sync.Mutex
	sent  map[kmsg.Key]int
	ports map[int32]int
}

func counting(r *requests) func(*Config) {
	return func(c *Config) { c.Options = append(c.Options, kgo.WithHooks(r)) }
}

func (r *requests) OnBrokerWrite(b kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sent == nil {
		r.sent, r.ports = make(map[kmsg.Key]int), make(map[int32]int)
	}
	r.sent[kmsg.Key(key)]++
	if kmsg.Key(key) != kmsg.ApiVersions {
		r.ports[b.Port]++
	}
}

// during returns what was sent while f ran.
func (r *requests) during(f func()) (byKey map[kmsg.Key]int, byPort map[int32]int) {
	r.mu.Lock()
	r.sent, r.ports = nil, nil
	r.mu.Unlock()
	f()
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.sent), maps.Clone(r.ports)
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !condition() {
		if sleep(ctx, 10*time.Millisecond) != nil {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// poll makes one collection and works out what follows from it.
func poll(t *testing.T, r *Reader, prev *lag.Snapshot) *lag.Snapshot {
	t.Helper()
	return lag.Compute(prev, r.Read(t.Context(), prev), r.cfg.Policy)
}

// logRead is what was read of one partition.
type logRead struct {
	lag.Partition
	Start, End, LastStable lag.Offset
}

func logs(t *lag.Topic) []logRead {
	all := make([]logRead, len(t.Partitions))
	for i := range all {
		all[i] = logRead{t.Partitions[i], t.Starts.At(i), t.Ends.At(i), t.LastStables.At(i)}
	}
	return all
}
