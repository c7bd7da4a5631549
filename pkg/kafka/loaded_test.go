package kafka_test

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// Brokers that were just started lead partitions of the offsets topic before they begin to load them. Until then their lists of groups are
// empty, and without an error: that a group is missing from them does not mean that it is not there.
func TestRow4ListsBeforeTheGroupsAreLoadedSayNothing(t *testing.T) {
	cluster := newFakeKafka(t, fakekafka.Shape{Groups: 12, PartitionsPerGroup: 3})
	r := newReader(t, cluster.Addresses(), func(c *kafka.Config) { c.Timeout = 10 * time.Second })
	for node := range int32(3) {
		cluster.Fault(node+1, kmsg.ListGroups, fakekafka.Fault{Corrupt: emptyList})
		cluster.Fault(node+1, kmsg.DescribeGroups, fakekafka.Fault{Corrupt: notCoordinator})
	}
	name := cluster.Shape().Group(5)
	var s *lag.Snapshot
	for range 3 {
		obs := r.Read(t.Context(), s)
		s = lag.Compute(s, obs, nil)
		if !errors.Is(obs.ListingErr, kerr.NotCoordinator) || len(obs.Listed) != 0 {
			t.Errorf("%v, and brokers %v have listed all their groups", obs.ListingErr, obs.Listed)
		}
		_, err := lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{name}, What: name}, time.Now(), time.Minute)
		if unknown := new(lag.UnknownError); !errors.As(err, &unknown) {
			t.Errorf("%s: %v, want it not to be known", name, err)
		}
	}
	cluster.Heal()
	s = lag.Compute(s, r.Read(t.Context(), s), nil)
	if _, err := lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{name}, What: name}, time.Now(), time.Minute); err != nil {
		t.Error(err)
	}
	absent := new(lag.AbsentError)
	if _, err := lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{"nobody"}, What: "nobody"}, time.Now(), time.Minute); !errors.As(err, &absent) {
		t.Errorf("nobody: %v", err)
	}
	cluster.Counts()
	r.Read(t.Context(), s)
	if n := cluster.Counts()[kmsg.DescribeGroups].Requests; n != 3 { // of the groups; what was shown once is not asked for again
		t.Errorf("%d requests to describe groups, want 3", n)
	}
}

// emptyList is an answer without any group.
func emptyList(answer []byte) []byte {
	resp := kmsg.NewPtrListGroupsResponse()
	resp.Version = resp.MaxVersion()
	return answered(answer, resp)
}

// notCoordinator is the answer of a broker that is not the coordinator of a group.
func notCoordinator(answer []byte) []byte {
	resp := kmsg.NewPtrDescribeGroupsResponse()
	resp.Version = resp.MaxVersion()
	group := kmsg.NewDescribeGroupsResponseGroup()
	group.ErrorCode = kerr.NotCoordinator.Code
	resp.Groups = append(resp.Groups, group)
	return answered(answer, resp)
}

// answered puts another body into an answer of a flexible version.
func answered(answer []byte, resp kmsg.Response) []byte {
	return sealed(resp.AppendTo(append(answer[:8:8], 0))) // no tags in the header
}
