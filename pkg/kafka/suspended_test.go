package kafka

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// The second poll does not even ask the broker that hung in the first, whose requests are never answered; and once the broker
// answers again, so do its groups.
func TestRow1HungBrokerDelaysOnePollOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeInMemory(t)
		f.produce("orders", 3, 0, 1, 2, 3)
		for i := range 12 {
			f.commit(fmt.Sprintf("group-%d", i), "orders", 1)
		}
		hung := f.CoordinatorFor("group-0")
		var sent requests
		r := f.reader(counting(&sent), func(c *Config) { c.Timeout = 600 * time.Millisecond })
		s := poll(t, r, nil)
		i := slices.IndexFunc(s.Brokers, func(b lag.Broker) bool { return b.ID == hung })
		resume := f.hangUntil(hung)
		s = poll(t, r, s)
		var obs *lag.Observation
		_, ports := sent.during(func() { obs = r.Read(t.Context(), s) })
		for port, n := range ports {
			if strings.HasSuffix(s.Brokers[i].Address, fmt.Sprintf(":%d", port)) {
				t.Errorf("%d requests to the hung broker", n)
			}
		}
		if err := obs.Brokers[i].Err; err == nil || !strings.Contains(err.Error(), "looked for") || lag.ClassOf(err) != lag.ClassTimeout {
			t.Errorf("the hung broker: %v", err)
		}
		resume()
		eventually(t, "the broker is asked again", func() bool {
			s = poll(t, r, s)
			return s.ListingErr == nil && s.Group("group-0").Reason() == nil
		})
	})
}

// hangUntil is hang with an end.
func (f *fake) hangUntil(node int32) (resume func()) {
	done := make(chan struct{})
	f.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		select {
		case <-done:
			return nil, nil, false
		default:
			return nil, nil, f.CurrentNode() == node
		}
	})
	return func() { close(done) }
}

func TestRow21WrongPasswordIsTriedOnce(t *testing.T) {
	t.Run("as Kafka says so", func(t *testing.T) {
		wrongPassword(t, 1, func(f *fake) {
			f.answer(kmsg.SASLAuthenticate, func(req kmsg.Request) kmsg.Response {
				resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
				resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
				return resp
			})
		})
	})
	// The client itself tries a connection that was cut once more.
	t.Run("by closing the connection", func(t *testing.T) { wrongPassword(t, 2, func(*fake) {}) })
}

func wrongPassword(t *testing.T, most int, prepare func(*fake)) {
	t.Helper()
	f := &fake{t: t}
	var err error
	f.Cluster, err = kfake.NewCluster(kfake.NumBrokers(3), kfake.EnableSASL(), kfake.Superuser("PLAIN", "us", "right"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	prepare(f)
	var sent requests
	r := f.reader(counting(&sent), func(c *Config) {
		c.Options = append(c.Options, kgo.SASL(plain.Auth{User: "us", Pass: "wrong"}.AsMechanism()))
	})
	got, _ := sent.during(func() {
		for range 20 { // well within 5 s
			obs := r.Read(t.Context(), nil)
			if lag.ClassOf(obs.MetadataErr) != lag.ClassAuthentication {
				t.Fatalf("%v", obs.MetadataErr)
			}
			r.ReadGroups(t.Context(), &lag.Snapshot{Brokers: []lag.Broker{{ID: 0, Address: f.ListenAddrs()[0]}},
				Groups: []*lag.Group{{Name: "billing", Type: lag.GroupClassic}}}, []string{"billing"})
		}
	})
	if n := got[kmsg.SASLAuthenticate]; n == 0 || n > most {
		t.Errorf("%d attempts to authenticate, want %d", n, most)
	}
}

func TestRow12BrokersSayWhatTheyLack(t *testing.T) {
	for _, tc := range []struct {
		versions *kversion.Versions
		lacks    []lag.Capability
		has      []lag.Capability
	}{
		{kversion.V2_1_0(), []lag.Capability{lag.CapabilityBatchedCommits, lag.CapabilityTopicIDs, lag.CapabilityGroupTypes}, []lag.Capability{lag.CapabilityLeaderEpochs}},
		{kversion.V3_3_0(), []lag.Capability{lag.CapabilityGroupTypes, lag.CapabilityConsumerGroups, lag.CapabilityStreamsGroups},
			[]lag.Capability{lag.CapabilityBatchedCommits, lag.CapabilityTopicIDs}},
	} {
		f := newFake(t, kfake.MaxVersions(tc.versions))
		var sent requests
		r := f.reader(counting(&sent))
		r.Read(t.Context(), nil)
		var obs *lag.Observation
		got, _ := sent.during(func() { obs = r.Read(t.Context(), nil) })
		if got[kmsg.ApiVersions] != 0 {
			t.Errorf("asked %d times again", got[kmsg.ApiVersions])
		}
		for _, b := range obs.Brokers {
			for _, c := range tc.lacks {
				if !slices.Contains(b.Lacking, c) {
					t.Errorf("%s: broker %d does not say that it lacks %s: %v", tc.versions.VersionGuess(), b.ID, c, b.Lacking)
				}
			}
			for _, c := range tc.has {
				if slices.Contains(b.Lacking, c) {
					t.Errorf("%s: broker %d says that it lacks %s", tc.versions.VersionGuess(), b.ID, c)
				}
			}
		}
	}
}

// Log starts are read again only where they are needed, and last stable offsets only for those who read committed records.
func TestRow9OffsetsAreReadWhereTheyAreNeeded(t *testing.T) {
	f := newFake(t)
	f.produce("orders", 9, 0, 1, 2, 3)
	f.commit("plain", "orders", 5, 5, 5)
	f.commit("careful", "orders", 5)
	r := f.reader(func(c *Config) {
		c.SlowEvery = 1e6 * time.Hour
		c.Policy = func(group string) lag.Policy { return lag.Policy{ReadCommitted: group == "careful"} }
	})
	s := poll(t, r, nil)
	if err := f.DeleteRecords("orders", 2, 7); err != nil {
		t.Fatal(err)
	}
	for _, p := range logs(topic(t, r.Read(t.Context(), s), "orders")) {
		if p.End.Value != 9 || !p.Start.ReadAt.IsZero() || p.LastStable.ReadAt.IsZero() == (p.Partition.Partition == 0) {
			t.Errorf("partition %d: %+v", p.Partition.Partition, p)
		}
	}
	s.Topics[slices.IndexFunc(s.Topics, func(t *lag.Topic) bool { return t.Name == "orders" })].Starts.Values[2] = 6 // as if retention had been seen
	for _, p := range logs(topic(t, r.Read(t.Context(), s), "orders")) {
		if p.Start.ReadAt.IsZero() == (p.Partition.Partition == 2) {
			t.Errorf("partition %d with a commit before the log start: %+v", p.Partition.Partition, p.Start)
		}
	}
}
