package kafka

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Row 21. Accounts get locked after too many failed logins, so no broker sees two within 5 s, although both lanes have a connection to
// each, and ask for several things at once.
func TestRow21ABrokerRefusesUsOnceAtATime(t *testing.T) {
	f := securedFake(t, users("right")...)
	f.client = f.newClient(kgo.SASL(plain.Auth{User: "admin", Pass: "admin"}.AsMechanism()))
	var commits kadm.Offsets
	commits.AddOffset("orders", 0, 0, -1)
	if err := kadm.NewClient(f.client).CommitAllOffsets(t.Context(), "billing", commits); err != nil {
		t.Fatal(err)
	}
	secret := newSecret(t, "right")
	r := f.reader(func(c *Config) { c.Security.SASL = &SASL{Mechanism: "PLAIN", Username: "us", Password: secret} })
	s := poll(t, r, nil)
	r.ReadGroups(t.Context(), s, []string{"billing"})

	var mu sync.Mutex
	logins := map[int32][]time.Time{} // by broker
	f.answer(kmsg.SASLAuthenticate, func(kmsg.Request) kmsg.Response {
		mu.Lock()
		defer mu.Unlock()
		node := f.CurrentNode()
		logins[node] = append(logins[node], time.Now())
		return nil
	})
	secret.write("wrong")
	age(r)
	for range 3 {
		var lanes sync.WaitGroup
		lanes.Go(func() { r.Read(t.Context(), s) })
		lanes.Go(func() { r.ReadGroups(t.Context(), s, []string{"billing"}) })
		lanes.Wait()
	}
	mu.Lock()
	defer mu.Unlock()
	apartEnough(t, logins)
}

// A broker that is slow refuses a login later than we wait for it. It is one login all the same, and no second one follows it within 5 s;
// and that the identity is refused stays the reason that is told, though most attempts end without a word.
func TestRow21ALateRefusalIsOne(t *testing.T) {
	for name, slow := range map[string]struct {
		keys  []kmsg.Key
		delay time.Duration
	}{
		"each step in time, but not all of them": {[]kmsg.Key{kmsg.ApiVersions, kmsg.SASLHandshake, kmsg.SASLAuthenticate}, 700 * time.Millisecond},
		"later than anybody waits":               {[]kmsg.Key{kmsg.SASLAuthenticate}, 1500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeInMemory(t, users("right")...)
				logins := f.slowLogins(slow.keys, slow.delay)
				r := f.reader(func(c *Config) {
					c.Timeout = time.Second
					c.Security.SASL = &SASL{Mechanism: "PLAIN", Username: "us", Password: newSecret(t, "wrong")}
				})
				s := &lag.Snapshot{Groups: []*lag.Group{{Name: "billing", Type: lag.GroupClassic}}}
				for i, address := range f.ListenAddrs() {
					s.Brokers = append(s.Brokers, lag.Broker{ID: int32(i), Address: address})
				}
				refused := false
				for range 120 {
					var lanes sync.WaitGroup
					var obs *lag.Observation
					lanes.Go(func() { obs = r.Read(t.Context(), s) })
					lanes.Go(func() { r.ReadGroups(t.Context(), s, []string{"billing"}) })
					lanes.Wait()
					got := authenticating(obs.MetadataErr)
					if refused && !got {
						t.Errorf("known to be refused, and the reason is %v", obs.MetadataErr)
					}
					refused = refused || got
					<-time.After(time.Second)
				}
				apartEnough(t, logins())
			})
		})
	}
}

// The client library itself opens a new connection for requests that wait when theirs is cut. Such a login has to wait for its turn like
// any other.
func TestRow21CutConnectionsBringOneLogin(t *testing.T) {
	for range 10 { // what waits differs
		synctest.Test(t, cutOnce)
	}
}

func cutOnce(t *testing.T) {
	var names []string
	for i := range 12 {
		names = append(names, fmt.Sprintf("group-%d", i))
	}
	f, r, s := connectedInMemory(t, newSecret(t, "right"), names...)
	logins := f.slowLogins([]kmsg.Key{kmsg.ListGroups, kmsg.DescribeGroups, kmsg.OffsetFetch, kmsg.ListOffsets}, 200*time.Millisecond)
	for range 3 {
		var lanes sync.WaitGroup
		lanes.Go(func() { r.Read(t.Context(), s) })
		lanes.Go(func() { r.ReadGroups(t.Context(), s, names) })
		lanes.Go(func() {
			<-time.After(100 * time.Millisecond)
			f.cutAll()
		})
		lanes.Wait()
	}
	apartEnough(t, logins())
}

// Files that are of no use are tried by who looks for a broker, and by the rotation of the connections that stand: at one broker, both
// together not more often than either.
func TestRow21RotationAndSearchBringOneLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret := newSecret(t, "right")
		f, r, s := connectedInMemory(t, secret, "billing")
		logins := f.slowLogins(nil, 0)
		secret.write("wrong")
		for i := range 120 {
			if i == 0 { // the connections of the other lane go on
				age(&Reader{full: r.full, hot: &lane{}})
			}
			r.Read(t.Context(), s)
			r.ReadGroups(t.Context(), s, []string{"billing"})
			<-time.After(time.Second)
		}
		apartEnough(t, logins())
	})
}

// A connection that was not used for so long that the client gives it up is replaced without a failed read.
func TestIdleConnectionsAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r, s := connectedInMemory(t, newSecret(t, "right"), "billing")
		for idle := time.Second; idle < 10*time.Minute; idle += 13 * time.Second {
			<-time.After(idle)
			obs := r.Read(t.Context(), s)
			hot := r.ReadGroups(t.Context(), s, []string{"billing"})
			if err := errors.Join(obs.MetadataErr, obs.ListingErr, group(t, obs, "billing").CommitsErr, group(t, hot, "billing").CommitsErr); err != nil {
				t.Fatalf("after %s without a request: %v", idle, err)
			}
		}
	})
}

// Requests that wait in the client library do not log in anew where the login that was let in was refused.
func TestRow21WaitingRequestsBringNoLogin(t *testing.T) {
	for range 20 { // which comes first differs
		synctest.Test(t, func(t *testing.T) {
			f := newFakeInMemory(t, users("right")...)
			logins := f.slowLogins(nil, 0)
			r := f.reader(func(c *Config) {
				c.Security.SASL = &SASL{Mechanism: "PLAIN", Username: "us", Password: newSecret(t, "wrong")}
			})
			k, err := r.full.link(f.ListenAddrs()[0])
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			all.Go(func() { _ = k.askVersions(t.Context(), noBroker, k.login) }) // is refused
			for range 5 {
				all.Go(func() { _ = k.askVersions(t.Context(), noBroker, k.send) })
			}
			all.Wait()
			apartEnough(t, logins())
		})
	}
}

// connectedInMemory is a Reader with connections that stand, in both lanes, and what it read of the groups.
func connectedInMemory(t *testing.T, secret Secret, groups ...string) (*fake, *Reader, *lag.Snapshot) {
	t.Helper()
	f := newFakeInMemory(t, users("right")...)
	f.client = f.newClient(kgo.SASL(plain.Auth{User: "admin", Pass: "admin"}.AsMechanism()))
	for _, name := range groups {
		f.commit(name, "orders", 0)
	}
	r := f.reader(func(c *Config) {
		c.Timeout = 5 * time.Second
		c.Security.SASL = &SASL{Mechanism: "PLAIN", Username: "us", Password: secret}
	})
	s := poll(t, r, nil)
	r.ReadGroups(t.Context(), s, groups)
	return f, r, s
}

// slowLogins delays the answers to these requests and refuses all logins, as Kafka does. It returns when they reached each broker.
func (f *fake) slowLogins(keys []kmsg.Key, delay time.Duration) func() map[int32][]time.Time {
	var mu sync.Mutex
	logins := map[int32][]time.Time{}
	f.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		node, key := f.CurrentNode(), kmsg.Key(req.Key())
		mu.Lock()
		defer mu.Unlock()
		f.latency[node].Store(0)
		if slices.Contains(keys, key) {
			f.latency[node].Store(int64(delay))
		}
		if key != kmsg.SASLAuthenticate {
			return nil, nil, false
		}
		logins[node] = append(logins[node], time.Now())
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return resp, nil, true
	})
	return func() map[int32][]time.Time {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(logins)
	}
}

// apartEnough fails the test if a broker saw two logins within 5 s, or none.
func apartEnough(t *testing.T, logins map[int32][]time.Time) {
	t.Helper()
	if len(logins) == 0 {
		t.Fatal("no login was tried")
	}
	for node, at := range logins {
		for i := 1; i < len(at); i++ {
			if apart := at[i].Sub(at[i-1]); apart < minAuthBackoff {
				t.Errorf("broker %d: two logins %s apart", node, apart)
			}
		}
	}
}
