package kafka

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// release is a version of Kafka.
type release struct{ major, minor int }

func (r release) before(other release) bool {
	return r.major < other.major || r.major == other.major && r.minor < other.minor
}

func (r release) String() string { return fmt.Sprintf("%d.%d", r.major, r.minor) }

// releases are all from the oldest on that is supported.
func releases() []release {
	var all []release
	for minor := 1; minor <= 8; minor++ {
		all = append(all, release{2, minor})
	}
	for minor := range 10 {
		all = append(all, release{3, minor})
	}
	for minor := range 5 {
		all = append(all, release{4, minor})
	}
	return all
}

// capableSince is in which release of Kafka each capability came, by its KIPs.
func capableSince() map[lag.Capability]release {
	return map[lag.Capability]release{
		lag.CapabilityLastStable: {0, 11}, lag.CapabilityLeaderEpochs: {2, 1}, lag.CapabilityEpochEnds: {2, 1}, lag.CapabilityTopicIDs: {2, 8},
		lag.CapabilityBatchedCommits: {3, 0}, lag.CapabilityConsumerGroups: {3, 8}, lag.CapabilityGroupTypes: {3, 8},
		lag.CapabilityShareGroups: {4, 1}, lag.CapabilityShareLag: {4, 2},
		lag.CapabilityStreamsGroups: {5, 0}, // 4.1, but the fake has it never
	}
}

// Brokers of every version tell the lag of a group, are said to lack what came later, and nothing else.
func TestRow12EveryVersion(t *testing.T) {
	for _, r := range releases() {
		t.Run(r.String(), func(t *testing.T) {
			versions := kversion.FromString("v" + r.String())
			if versions == nil {
				t.Fatal("not known")
			}
			f := newFake(t, kfake.MaxVersions(versions))
			f.produce("orders", 5, 0, 1)
			f.commit("billing", "orders", 2, 1)
			reader := f.reader()
			var s *lag.Snapshot
			for range 2 {
				obs := reader.Read(t.Context(), s)
				if got, err := total(obs, "billing"); err != nil || got.Lag != 3+4 {
					t.Errorf("%+v, %v", got, err)
				}
				for _, b := range obs.Brokers {
					if len(lag.Capabilities()) != len(capableSince()) {
						t.Error("a capability of which it is not said since when it is there")
					}
					for capability, since := range capableSince() {
						if lacks := slices.Contains(b.Lacking, capability); lacks != r.before(since) {
							t.Errorf("broker %d lacks %s: %v", b.ID, capability, lacks)
						}
					}
				}
				s = lag.Compute(s, obs, nil)
			}
		})
	}
}

// A broker that lacks a request altogether is refused with a reason, in what depends on it and nowhere else: there is no value then, least
// of all zero.
func TestRow12LackingRequestsAreRefused(t *testing.T) {
	for key, concerned := range map[kmsg.Key]struct {
		reason func(obs *lag.Observation) error
		known  bool // the lag is known all the same
	}{
		kmsg.ListGroups:           {func(obs *lag.Observation) error { return obs.ListingErr }, false},
		kmsg.OffsetFetch:          {func(obs *lag.Observation) error { return obs.Groups[0].CommitsErr }, false},
		kmsg.ListOffsets:          {func(obs *lag.Observation) error { return obs.Topics[0].Ends.At(0).Err }, false},
		kmsg.DescribeGroups:       {func(obs *lag.Observation) error { return obs.Groups[0].MembersErr }, true}, // who has committed counts
		kmsg.OffsetForLeaderEpoch: {nil, true},
	} {
		t.Run(kmsg.NameForKey(int16(key)), func(t *testing.T) {
			versions := kversion.Stable()
			versions.SetMaxKeyVersion(int16(key), -1)
			f := newFake(t, kfake.MaxVersions(versions), kfake.NumBrokers(1))
			f.produce("orders", 5, 0, 1)
			f.commit("billing", "orders", 2, 1)
			obs := f.reader().Read(t.Context(), nil)
			if concerned.reason != nil {
				if err := concerned.reason(obs); lag.ClassOf(err) != lag.ClassUnsupported || err == nil {
					t.Errorf("the reason is %v", err)
				}
			}
			got, err := lagOf(lag.Compute(nil, obs, nil), "billing")
			if known := err == nil; known != concerned.known || known && got != 3+4 {
				t.Errorf("%d, %v", got, err)
			}
			// Where partitions without a commit count, too, it matters which there are.
			earliest := lag.Compute(nil, obs, func(string) lag.Policy { return lag.Policy{OffsetReset: lag.ResetEarliest} })
			if got, err := lagOf(earliest, "billing"); key == kmsg.DescribeGroups && err == nil {
				t.Errorf("from the earliest: %d", got)
			}
		})
	}
}
