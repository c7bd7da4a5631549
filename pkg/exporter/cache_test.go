package exporter

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// countEncodings counts how often the handler encodes.
func countEncodings(h *Handler) *atomic.Int32 {
	var count atomic.Int32
	h.add(dialect{families: []family{{name: "count", help: "Nothing.", write: func(*encoder, *lag.Snapshot) { count.Add(1) }}}})
	return &count
}

func TestEncodedOncePerSnapshotAndVariant(t *testing.T) {
	h, s := newHandler(prometheus.NewRegistry(), &bytes.Buffer{}, compute(observe("default", t0)))
	count := countEncodings(h)
	scrape := func() {
		for _, accept := range []string{"", acceptOpenMetrics} {
			for _, encoding := range []string{"", "gzip"} {
				get(t, h, "Accept", accept, "Accept-Encoding", encoding)
			}
		}
	}
	for _, step := range []struct {
		what   string
		change func()
		want   int32 // encodings since the start
	}{
		{"the first scrapes", func() {}, 4},
		{"the same again", func() {}, 4},
		{"later, but within max-age", func() { s.setClock(t0.Add(maxAge)) }, 4},
		{"a new snapshot", func() { s.publish(compute(observe("default", t0.Add(maxAge)))) }, 8},
		{"the same snapshot in another slice", func() { s.publish(s.Snapshots()[0]) }, 8},
		{"values get too old", func() { s.setClock(t0.Add(2*maxAge + time.Second)) }, 12},
		{"nothing is left that could", func() { s.setClock(t0.Add(3 * maxAge)) }, 12},
	} {
		step.change()
		scrape()
		if got := count.Load(); got != step.want {
			t.Fatalf("%s: %d encodings so far, want %d", step.what, got, step.want)
		}
	}
}

func TestConcurrentScrapesEncodeOnce(t *testing.T) {
	h, _ := newHandler(prometheus.NewRegistry(), &bytes.Buffer{}, compute(observe("default", t0)))
	count := countEncodings(h)
	var scrapes sync.WaitGroup
	for range 32 {
		scrapes.Go(func() { get(t, h, "Accept-Encoding", "gzip") })
	}
	scrapes.Wait()
	if got := count.Load(); got != 1 {
		t.Errorf("%d encodings, want 1", got)
	}
}

// Each response must be of one snapshot, whatever is published meanwhile.
func TestScrapesWhilePublishing(t *testing.T) {
	generation := func(n int) *lag.Snapshot {
		obs := observe("default", t0)
		for i := range obs.Topics[1].Ends.Values {
			obs.Topics[1].Ends.Values[i] = int64(1000 + n)
		}
		return compute(obs)
	}
	h, s := newHandler(ownMetrics(), &bytes.Buffer{}, generation(0))
	var work sync.WaitGroup
	for worker := range 4 {
		work.Go(func() {
			headers := []string{"Accept-Encoding", []string{"gzip", "identity"}[worker%2]}
			for range 50 {
				body := get(t, h, headers...).Body.Bytes()
				if worker%2 == 0 {
					body = gunzip(t, body)
				}
				got, _ := parse(t, body)
				if got[ordersEnd1] != got[ordersEnd2] || got[ordersEnd1] == 0 {
					t.Errorf("ends of two snapshots in one response: %v and %v", got[ordersEnd1], got[ordersEnd2])
				}
			}
		})
	}
	work.Go(func() {
		for n := range 200 {
			s.publish(generation(n))
		}
	})
	work.Wait()
}

// A snapshot that was served and replaced must not stay in memory until the next scrape.
func TestReplacedSnapshotIsFreed(t *testing.T) {
	h, s := newHandler(prometheus.NewRegistry(), &bytes.Buffer{}, compute(observe("default", t0)))
	get(t, h)
	gone := weak.Make(s.Snapshots()[0])
	s.publish(compute(observe("default", t0)))
	runtime.GC()
	if gone.Value() != nil {
		t.Error("the handler keeps the replaced snapshot")
	}
	runtime.KeepAlive(h)
}

// A large cluster takes several chunks, which must fit together.
func TestManyChunks(t *testing.T) {
	h, _ := newHandler(ownMetrics(), &bytes.Buffer{}, large(40, 40, 50))
	whole := get(t, h).Body.Bytes()
	if len(whole) < 4*chunkSize {
		t.Fatalf("%d bytes are too few for this test", len(whole))
	}
	samples, families := parse(t, whole)
	if want := 40 * 40 / 20 * 50; len(families["kafka_consumergroup_lag"].Metric) != want {
		t.Errorf("%d series of lag, want %d", len(families["kafka_consumergroup_lag"].Metric), want)
	}
	for series, value := range samples {
		if strings.HasPrefix(series, "kafka_consumergroup_lag{") && value != 1 {
			t.Fatalf("%s %v, want 1", series, value)
		}
	}
	for _, name := range []string{"kafka_consumergroup_lag", "kafka_topic_partition_leader"} {
		if n := bytes.Count(whole, []byte("# TYPE "+name+" ")); n != 1 {
			t.Errorf("%d headers of %s, want 1", n, name)
		}
	}
}

// large is a cluster of topics with so many partitions each, and of groups of which each has a lag of 1 on every partition of one
// topic in 20.
func large(groups, topics, partitions int) *lag.Snapshot {
	obs := &lag.Observation{Cluster: "default", StartedAt: t0, MetadataReadAt: t0, Brokers: []lag.Broker{{ID: 1, Address: "kafka-1.example:9092"}}}
	for n := range topics {
		t := lag.Topic{Name: fmt.Sprintf("topic-%04d", n)}
		var starts, ends []int64
		for p := range partitions {
			t.Partitions = append(t.Partitions, lag.Partition{Partition: int32(p), Leader: 1, PreferredLeader: 1, Replicas: 3, InSyncReplicas: 3})
			starts, ends = append(starts, 0), append(ends, int64(1_000_000+p))
		}
		t.Starts, t.Ends = offsetsAt(t0, starts...), offsetsAt(t0, ends...)
		obs.Topics = append(obs.Topics, t)
	}
	for n := range groups {
		g := lag.GroupObservation{Name: fmt.Sprintf("consumer-group-%05d", n), Type: lag.GroupClassic, MembersReadAt: t0, CommitsReadAt: t0}
		for i := n % 20; i < topics; i += 20 {
			c := lag.TopicCommits{Topic: obs.Topics[i].Name}
			for p := range partitions {
				c.Partitions = append(c.Partitions, lag.Commit{Partition: int32(p), Offset: int64(1_000_000 + p - 1)})
			}
			g.Commits = append(g.Commits, c)
			for p := range partitions / 5 * 5 { // five partitions a member
				if p%5 == 0 {
					g.Members = append(g.Members, lag.Member{ID: fmt.Sprintf("member-%d-%d", i, p), ClientID: "app", ClientHost: "/10.0.0.1"})
				}
				m := &g.Members[len(g.Members)-1]
				if len(m.Assigned) == 0 {
					m.Assigned = []lag.TopicPartitions{{Topic: c.Topic}}
				}
				m.Assigned[0].Partitions = append(m.Assigned[0].Partitions, int32(p))
			}
		}
		obs.Groups = append(obs.Groups, g)
	}
	return compute(obs)
}
