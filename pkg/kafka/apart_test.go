package kafka_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// A broker asks the share coordinators for the offsets of share groups. With one of them on a broker that hangs, it does not answer
// that, and everything else as ever: only its share groups get old.
func TestRow1LateShareOffsetsHurtShareGroupsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shape := fakekafka.Shape{Groups: 12, PartitionsPerGroup: 3, MembersPerGroup: 1, Types: []string{fakekafka.Classic, fakekafka.Share}}
		cluster, inMemory := newFakeKafkaInMemory(t, shape)
		r := newReader(t, cluster.Addresses(), func(c *kafka.Config) { c.Timeout, c.Options = time.Second, []kgo.Opt{inMemory} })
		s := lag.Compute(nil, r.Read(t.Context(), nil), nil)
		for node := range int32(3) {
			cluster.Fault(node+1, kmsg.DescribeShareGroupOffsets, fakekafka.Fault{Hang: true})
		}
		for range 3 {
			obs := r.Read(t.Context(), s)
			s = lag.Compute(s, obs, nil)
			shares, others := 0, 0
			for _, g := range obs.Groups {
				switch {
				case g.Type == lag.GroupShare && g.CommitsErr != nil:
					shares++
				case g.Type == lag.GroupClassic && g.CommitsErr == nil && g.MembersErr == nil:
					others++
				}
			}
			if shares != 6 || others != 6 {
				t.Errorf("%d share groups could not be read, and %d others could; want 6 of both", shares, others)
			}
			for _, b := range obs.Brokers {
				if b.Err != nil {
					t.Errorf("it counts against broker %d: %v", b.ID, b.Err)
				}
			}
			for _, g := range s.Groups {
				if g.Type == lag.GroupClassic && g.Reason() != nil {
					t.Errorf("%s: %v", g.Name, g.Reason())
				}
			}
		}
		cluster.Heal()
		deadline, tick := time.After(30*time.Second), time.NewTicker(20*time.Millisecond)
		defer tick.Stop()
		for !allRead(r.Read(t.Context(), s)) {
			select {
			case <-deadline:
				t.Fatal("not within 30 s: the share groups are read again")
			case <-tick.C:
			}
		}
	})
}

func allRead(obs *lag.Observation) bool {
	return !slices.ContainsFunc(obs.Groups, func(g lag.GroupObservation) bool { return g.CommitsErr != nil })
}

// The connection on which there was no answer in time ends while the broker is already looked for. That is no news of the broker: what is
// told stays the cause, and the next poll finds the broker again.
func TestRow1TheEndOfAHungConnectionIsNoReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, inMemory := newFakeKafkaInMemory(t, fakekafka.Shape{Groups: 3, PartitionsPerGroup: 3, Types: []string{fakekafka.Share}})
		r := newReader(t, cluster.Addresses(), func(c *kafka.Config) { c.Timeout, c.Options = time.Second, []kgo.Opt{inMemory} })
		s := lag.Compute(nil, r.Read(t.Context(), nil), nil)
		for node := range int32(3) {
			cluster.Fault(node+1, kmsg.DescribeShareGroupOffsets, fakekafka.Fault{Hang: true})
		}
		failed := r.Read(t.Context(), s)
		if allRead(failed) {
			t.Fatal("what hangs was read")
		}
		cluster.Heal()
		deadline, tick := time.After(30*time.Second), time.NewTicker(10*time.Millisecond)
		defer tick.Stop()
		for obs := failed; !allRead(obs); obs = r.Read(t.Context(), s) {
			for _, g := range obs.Groups {
				if g.CommitsErr != nil && strings.Contains(g.CommitsErr.Error(), "connection has died") {
					t.Fatalf("%s: %v", g.Name, g.CommitsErr)
				}
			}
			select {
			case <-deadline:
				t.Fatal("not within 30 s: the share groups are read again")
			case <-tick.C:
			}
		}
	})
}
