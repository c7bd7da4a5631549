package kafka_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// Rows of the fault catalogue on test/fakekafka, which can be slow, and large.

func newFakeKafka(t *testing.T, shape fakekafka.Shape) *fakekafka.Cluster {
	t.Helper()
	cluster, err := fakekafka.New(shape)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// newFakeKafkaInMemory is newFakeKafka without TCP, for tests on a clock of their own (testing/synctest). Readers of it have to be told so.
func newFakeKafkaInMemory(t *testing.T, shape fakekafka.Shape) (cluster *fakekafka.Cluster, inMemory kgo.Opt) {
	t.Helper()
	network := &kfake.VirtualNetwork{}
	cluster, err := fakekafka.NewInMemory(shape, network)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	return cluster, kgo.Dialer(network.DialContext)
}

func newReader(t *testing.T, brokers []string, change func(*kafka.Config)) *kafka.Reader {
	t.Helper()
	cfg := kafka.Config{Cluster: "test", Brokers: brokers, Timeout: 30 * time.Second}
	change(&cfg)
	r, err := kafka.NewReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// A broker with a latency of 400 ms, and one that throttles, are slow and not away: both lanes read all of their groups.
func TestRow13SlowBrokersAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, inMemory := newFakeKafkaInMemory(t, fakekafka.Shape{Groups: 30, PartitionsPerGroup: 6})
		r := newReader(t, cluster.Addresses(), func(c *kafka.Config) {
			c.Timeout, c.HotTimeout, c.Options = 4500*time.Millisecond, 2500*time.Millisecond, []kgo.Opt{inMemory}
		})
		for _, key := range []kmsg.Key{kmsg.Metadata, kmsg.ListGroups, kmsg.DescribeGroups, kmsg.OffsetFetch, kmsg.ListOffsets} {
			cluster.Fault(1, key, fakekafka.Fault{Delay: 400 * time.Millisecond})
			cluster.Fault(2, key, fakekafka.Fault{Throttle: 300})
		}
		s := lag.Compute(nil, r.Read(t.Context(), nil), nil)
		var names []string
		for i := range 30 {
			names = append(names, cluster.Shape().Group(i))
		}
		hot := r.ReadGroups(t.Context(), s, names)
		if len(hot.Groups) != len(names) {
			t.Fatalf("%d groups in the quick lane", len(hot.Groups))
		}
		for lane, s := range map[string]*lag.Snapshot{"all": s, "wanted": lag.Compute(s, hot, nil)} {
			for i, name := range names {
				want := int64(0)
				for p := range 6 {
					want += cluster.Shape().Lag(i, p, 0)
				}
				total, err := lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{name}, What: name}, time.Now(), time.Minute)
				if err != nil || total.Lag != want {
					t.Errorf("lane %s, %s: %d, %v, want %d", lane, name, total.Lag, err, want)
				}
			}
		}
	})
}

// Of 100,000 groups, so many are read as are allowed: those that somebody wants, and the same others each time.
func TestRow19HundredThousandGroups(t *testing.T) {
	const groups, limit = 100_000, 1000
	cluster := newFakeKafka(t, fakekafka.Shape{Groups: groups, PartitionsPerGroup: 1, GroupsPerTopic: 1000})
	wanted := cluster.Shape().Group(groups - 1) // the last by name
	r := newReader(t, cluster.Addresses(), func(c *kafka.Config) {
		c.MaxGroups, c.Wanted = limit, func() []string { return []string{wanted} }
	})
	first := lag.Compute(nil, r.Read(t.Context(), nil), nil)
	second := lag.Compute(first, r.Read(t.Context(), first), nil)
	for _, s := range []*lag.Snapshot{first, second} {
		if s.ListingErr != nil || len(s.Groups) != limit || len(s.Uncollected) != groups-limit || s.Group(wanted) == nil || s.Group(wanted).Err != nil {
			t.Fatalf("%v: %d groups are read, %d are not", s.ListingErr, len(s.Groups), len(s.Uncollected))
		}
	}
	if !slices.EqualFunc(first.Groups, second.Groups, func(a, b *lag.Group) bool { return a.Name == b.Name }) {
		t.Error("the choice changed from one collection to the next")
	}
	if sent := cluster.Counts()[kmsg.OffsetFetch]; sent.BytesIn > 2*limit*64 {
		t.Errorf("%d bytes of requests for the commits of %d groups", sent.BytesIn, limit)
	}
}

// A group beyond the limit that is asked for is read at once, whatever its type, by what the last list of all groups told of it.
func TestRow19GroupsBeyondTheLimitAreReadOnceAskedFor(t *testing.T) {
	shape := fakekafka.Shape{Groups: 8, PartitionsPerGroup: 3, MembersPerGroup: 2, Types: []string{fakekafka.Classic, fakekafka.Consumer, fakekafka.Share, fakekafka.Streams}}
	cluster := newFakeKafka(t, shape)
	names := func(from int) (names []string) {
		for i := from; i < shape.Groups; i++ {
			names = append(names, cluster.Shape().Group(i))
		}
		return names
	}
	r := newReader(t, cluster.Addresses(), func(c *kafka.Config) { c.MaxGroups = 1 })
	s := lag.Compute(nil, r.Read(t.Context(), nil), nil)
	if len(s.Groups) != 1 || len(s.Uncollected) != 7 {
		t.Fatalf("%d groups are read, %d are not", len(s.Groups), len(s.Uncollected))
	}
	cluster.Counts()
	s = lag.Compute(s, r.ReadGroups(t.Context(), s, append(names(0), "nobody")), nil)
	counts := cluster.Counts()
	if counts[kmsg.ListGroups].Requests+counts[kmsg.FindCoordinator].Requests != 0 {
		t.Errorf("%+v", counts)
	}
	if len(s.Groups) != 8 || len(s.Uncollected) != 0 {
		t.Fatalf("%d groups are read, %d are not", len(s.Groups), len(s.Uncollected))
	}
	for i, name := range names(0) {
		want := int64(0)
		for p := range shape.PartitionsPerGroup {
			want += cluster.Shape().Lag(i, p, 0)
		}
		total, err := lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{name}, What: name}, time.Now(), time.Minute)
		if err != nil || total.Lag != want || total.Members != 2 || string(s.Group(name).Type) != cluster.Shape().Type(i) {
			t.Errorf("%s: %+v, %v, want a lag of %d", name, total, err, want)
		}
	}
	// Where there is no room for all that are asked for, those that were left out for it stay out.
	full := newReader(t, cluster.Addresses(), func(c *kafka.Config) {
		c.MaxGroups, c.Wanted = 2, func() []string { return names(3) }
	})
	s = lag.Compute(nil, full.Read(t.Context(), nil), nil)
	if obs := full.ReadGroups(t.Context(), s, names(3)); len(obs.Groups) != 2 {
		t.Errorf("%d groups are read, and there is room for 2", len(obs.Groups))
	}
}

// What is wrong with the way to a broker is said in its own words, under the class of its kind.
func TestRow20FailuresTellTheirCause(t *testing.T) {
	for name, tc := range map[string]struct {
		address string
		class   lag.Class
		text    string
	}{
		"DNS":       {"no-such-host.invalid:9092", lag.ClassConnection, "no-such-host.invalid"},
		"refused":   {refusing(t), lag.ClassConnection, "refused"},
		"half-open": {accepting(t, func(net.Conn) {}), lag.ClassTimeout, "no answer in time"},
		"cut off":   {accepting(t, func(c net.Conn) { _ = c.Close() }), lag.ClassConnection, ""}, // EOF or a reset,
		"not Kafka": {accepting(t, func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }), lag.ClassProtocol, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReader(t, []string{tc.address}, func(c *kafka.Config) {
				if tc.class == lag.ClassTimeout {
					c.Timeout = time.Second
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := r.Read(ctx, nil).MetadataErr
			if err == nil || ctx.Err() != nil || lag.ClassOf(err) != tc.class || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%v of class %s, want %s that tells of %q", err, lag.ClassOf(err), tc.class, tc.text)
			}
		})
	}
}

// refusing returns an address where nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// accepting returns the address of a server that does this with each connection, and keeps it for as long as the test runs.
func accepting(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			do(conn)
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}
