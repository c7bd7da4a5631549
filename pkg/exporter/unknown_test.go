package exporter

import (
	"bytes"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

const (
	billingLag0     = `kafka_consumergroup_lag{consumergroup="billing", partition="0", topic="orders"}`
	billingLag1     = `kafka_consumergroup_lag{consumergroup="billing", partition="1", topic="orders"}`
	billingLag2     = `kafka_consumergroup_lag{consumergroup="billing", partition="2", topic="orders"}`
	billingOffset0  = `kafka_consumergroup_current_offset{consumergroup="billing", partition="0", topic="orders"}`
	billingOffset2  = `kafka_consumergroup_current_offset{consumergroup="billing", partition="2", topic="orders"}`
	billingLagSum   = `kafka_consumergroup_lag_sum{consumergroup="billing", topic="orders"}`
	billingSum      = `kafka_consumergroup_current_offset_sum{consumergroup="billing", topic="orders"}`
	billingMembers  = `kafka_consumergroup_members{consumergroup="billing"}`
	billingUp       = `kafka_consumergroup_up{consumergroup="billing"}`
	billingRead     = `kafka_consumergroup_read_timestamp_seconds{consumergroup="billing"}`
	ordersEnd1      = `kafka_topic_partition_current_offset{partition="1", topic="orders"}`
	ordersEnd2      = `kafka_topic_partition_current_offset{partition="2", topic="orders"}`
	ordersCount     = `kafka_topic_partitions{topic="orders"}`
	ordersLeader0   = `kafka_topic_partition_leader{partition="0", topic="orders"}`
	ordersReplicas0 = `kafka_topic_partition_replicas{partition="0", topic="orders"}`
	brokers         = `kafka_brokers`
)

// Second collections, 30 s after a complete one, in which something fails.
func TestUnknownIsAbsent(t *testing.T) {
	const absent = math.MaxFloat64 // stands for: no such series
	read0, read1 := 1_700_000_000.25, 1_700_000_030.25
	for _, test := range []struct {
		name   string
		fail   func(obs *lag.Observation)
		stale  map[string]float64 // 40 s after the first collection
		err    map[string]float64 // 70 s after it, when what it read is too old
		always map[string]float64 // both
		// thenMetadataFails adds a third collection, 5 s later, that reads nothing.
		thenMetadataFails bool
	}{
		{
			name:  "nothing fails",
			fail:  func(*lag.Observation) {},
			stale: map[string]float64{},
			always: map[string]float64{billingLag0: 42, billingLag1: 0, billingLag2: 0, billingLagSum: 42, billingSum: 108, billingOffset0: 58,
				billingOffset2: absent, billingMembers: 2, billingUp: 1, billingRead: read1, ordersCount: 3, brokers: 2},
		},
		{
			name: "one end offset",
			fail: func(obs *lag.Observation) {
				obs.Topics[1].Ends.Values[1], obs.Topics[1].Ends.Others = lag.NoOffset, []lag.OtherOffset{{Index: 1, Err: errDown}}
			},
			stale:  map[string]float64{billingLag1: 0, billingLagSum: 42, billingSum: 108, billingUp: 1, ordersEnd1: 50},
			err:    map[string]float64{billingLag1: absent, billingLagSum: absent, billingSum: absent, billingUp: 0, ordersEnd1: absent},
			always: map[string]float64{billingLag0: 42, billingLag2: 0, billingRead: read0, ordersEnd2: 7, billingMembers: 2},
		},
		{
			name:   "the group's commits",
			fail:   func(obs *lag.Observation) { obs.Groups[0].CommitsErr = errDown },
			stale:  map[string]float64{billingLag0: 42, billingLagSum: 42, billingOffset0: 58, billingUp: 1},
			err:    map[string]float64{billingLag0: absent, billingLagSum: absent, billingOffset0: absent, billingUp: 0},
			always: map[string]float64{billingRead: read0, billingMembers: 2, ordersEnd1: 50},
		},
		{
			name:   "the group's members",
			fail:   func(obs *lag.Observation) { obs.Groups[0].MembersErr = errDown },
			stale:  map[string]float64{billingMembers: 2},
			err:    map[string]float64{billingMembers: absent},
			always: map[string]float64{billingLag0: 42, billingUp: 1, billingRead: read1},
		},
		{
			name: "the whole cluster",
			fail: func(obs *lag.Observation) {
				*obs = lag.Observation{Cluster: obs.Cluster, StartedAt: obs.StartedAt, MetadataErr: errDown, ListingErr: errDown}
			},
			stale: map[string]float64{billingLag0: 42, billingLagSum: 42, billingMembers: 2, billingUp: 1, ordersEnd1: 50, ordersCount: 3,
				ordersLeader0: 1, ordersReplicas0: 3, brokers: 2},
			err: map[string]float64{billingLag0: absent, billingLagSum: absent, billingMembers: absent, billingUp: 0, ordersEnd1: absent,
				ordersCount: absent, ordersLeader0: absent, ordersReplicas0: absent, brokers: absent},
			always: map[string]float64{billingRead: read0},
		},
		{
			name: "one topic is forbidden",
			fail: func(obs *lag.Observation) {
				obs.Topics[1] = lag.Topic{Name: "orders", Err: &lag.ReadError{Class: lag.ClassAuthorization, Broker: 1, Op: "Metadata", Err: errors.New("denied")}}
			},
			stale:  map[string]float64{billingLag0: 42, billingLagSum: 42, billingUp: 1, ordersEnd1: 50, ordersCount: 3, ordersLeader0: 1},
			err:    map[string]float64{billingLag0: absent, billingLagSum: absent, billingUp: 0, ordersEnd1: absent, ordersCount: absent, ordersLeader0: absent},
			always: map[string]float64{brokers: 2, billingMembers: 2},
		},
		{
			name: "one topic is forbidden, and then all metadata fails",
			fail: func(obs *lag.Observation) { // the topic's facts are from t0, not from when metadata was last read
				obs.Topics[1] = lag.Topic{Name: "orders", Err: &lag.ReadError{Class: lag.ClassAuthorization, Broker: 1, Op: "Metadata", Err: errors.New("denied")}}
			},
			thenMetadataFails: true,
			stale:             map[string]float64{ordersCount: 3, ordersLeader0: 1, brokers: 2},
			err:               map[string]float64{ordersCount: absent, ordersLeader0: absent, brokers: 2},
		},
		{
			name:   "a commit beyond the end",
			fail:   func(obs *lag.Observation) { obs.Groups[0].Commits[0].Partitions[0].Offset = 101 },
			always: map[string]float64{billingLag0: absent, billingOffset0: absent, billingLagSum: absent, billingUp: 0, billingLag1: 0, billingRead: read0},
		},
		{
			name: "leader and replicas",
			fail: func(obs *lag.Observation) {
				p := &obs.Topics[1].Partitions[0]
				p.Leader, p.PreferredLeader, p.Replicas, p.InSyncReplicas = -1, -1, 0, 0
			},
			always: map[string]float64{ordersLeader0: absent, ordersReplicas0: absent,
				`kafka_topic_partition_in_sync_replica{partition="0", topic="orders"}`:            absent,
				`kafka_topic_partition_leader_is_preferred{partition="0", topic="orders"}`:        absent,
				`kafka_topic_partition_under_replicated_partition{partition="0", topic="orders"}`: absent,
				`kafka_topic_partition_leader{partition="1", topic="orders"}`:                     2},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			second := observe("default", t0.Add(30*time.Second))
			test.fail(second)
			snapshot := compute(observe("default", t0), second)
			if test.thenMetadataFails {
				denied := &lag.ReadError{Class: lag.ClassTimeout, Broker: -1, Op: "Metadata", Err: errors.New("no answer")}
				third := &lag.Observation{Cluster: "default", StartedAt: t0.Add(35 * time.Second), MetadataErr: denied, ListingErr: denied}
				snapshot = lag.Compute(snapshot, third, nil)
			}
			h, s := newHandler(prometheus.NewRegistry(), &bytes.Buffer{}, snapshot)
			for _, scrape := range []struct {
				after time.Duration
				want  []map[string]float64
			}{
				{40 * time.Second, []map[string]float64{test.stale, test.always}},
				{70 * time.Second, []map[string]float64{test.err, test.always}}, // of the same handler: its cache must notice
			} {
				s.setClock(t0.Add(scrape.after))
				got, _ := parse(t, get(t, h).Body.Bytes())
				for _, want := range scrape.want {
					for series, value := range want {
						v, ok := got[series]
						if value == absent && ok {
							t.Errorf("after %s: %s %v, want no such series", scrape.after, series, v)
						} else if value != absent && (!ok || v != value) {
							t.Errorf("after %s: %s %v (there: %t), want %v", scrape.after, series, v, ok, value)
						}
					}
				}
			}
		})
	}
}

// When the poll loop hangs, nothing but the state of groups and the times of their reading may be left after max-age.
func TestHungCollector(t *testing.T) {
	h, s := newHandler(prometheus.NewRegistry(), &bytes.Buffer{}, compute(observe("default", t0)))
	s.setClock(t0.Add(maxAge))
	before, _ := parse(t, get(t, h).Body.Bytes())
	if before[billingLag0] != 42 || before[billingUp] != 1 {
		t.Fatalf("a value as old as max-age is missing: %v", before)
	}
	s.setClock(t0.Add(maxAge + 2*time.Millisecond)) // the offsets were read 1 ms later than the rest
	after, _ := parse(t, get(t, h).Body.Bytes())
	for _, series := range slices.Sorted(maps.Keys(after)) {
		name, _, _ := strings.Cut(series, "{")
		if name != "kafka_consumergroup_up" && name != "kafka_consumergroup_read_timestamp_seconds" {
			t.Errorf("%s %v is still there", series, after[series])
		}
		if name == "kafka_consumergroup_up" && after[series] != 0 {
			t.Errorf("%s %v, want 0", series, after[series])
		}
	}
	if after[billingRead] != 1_700_000_000.25 {
		t.Errorf("the time of the last success is gone: %v", after)
	}
}

func TestSumsDoNotWrap(t *testing.T) {
	obs := observe("default", t0)
	for i := range 2 {
		obs.Topics[1].Ends.Values[i] = math.MaxInt64
		obs.Groups[0].Commits[0].Partitions[i].Offset = math.MaxInt64
	}
	h, _ := newHandler(prometheus.NewRegistry(), &bytes.Buffer{}, compute(obs))
	got, _ := parse(t, get(t, h).Body.Bytes())
	if v, ok := got[billingSum]; ok {
		t.Errorf("%s %v, want no such series", billingSum, v)
	}
	if got[billingOffset0] != math.MaxInt64 || got[billingLagSum] != 0 || got[billingUp] != 1 {
		t.Errorf("what can be said is missing: %v", got)
	}
}

// A group that has committed nothing has lag but no offset, and so no sum of offsets.
func TestNoCommit(t *testing.T) {
	obs := observe("default", t0)
	obs.Groups[0].Commits = nil
	h, _ := newHandler(prometheus.NewRegistry(), &bytes.Buffer{}, compute(obs))
	got, _ := parse(t, get(t, h).Body.Bytes())
	for _, series := range []string{billingOffset0, billingOffset2, billingSum} {
		if v, ok := got[series]; ok {
			t.Errorf("%s %v, want no such series", series, v)
		}
	}
	for _, series := range []string{billingLag0, billingLag2, billingLagSum} {
		if v, ok := got[series]; !ok || v != 0 {
			t.Errorf("%s %v (there: %t), want 0", series, v, ok)
		}
	}
}
