package kafka

import (
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
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
