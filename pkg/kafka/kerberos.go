package kafka

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/kerberos"
	"golang.org/x/sync/singleflight"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Kerberos says who we are to a KDC, for GSSAPI. Both files are read again for each connection.
type Kerberos struct {
	Principal  string // name@REALM, or name for the default realm
	KeytabFile string
	ConfigFile string // krb5.conf
	Service    string // the first part of the brokers' principals; the second is the host of their addresses
}

func (k *Kerberos) identity() (*identity, error) {
	t := &tickets{from: k}
	if _, err := t.current(); err != nil { // a mistake that is better found now
		return nil, err
	}
	where := fmt.Sprintf("that this machine's clock and the brokers' agree, that the brokers have the keys of %s/HOST for the hosts that they advertise, and that %s may connect", k.Service, k.Principal)
	return &identity{Mechanism: t, where: where, busy: t.busy, forget: t.forget, close: t.close}, nil
}

// tickets are fetched from the KDC for each broker, and kept as long as they are valid. It is GSSAPI to the client. The library that speaks to
// KDCs knows no contexts: it is called in the background, once at a time for each broker, and waited for as long as there is time.
type tickets struct {
	from    *Kerberos
	flights singleflight.Group
	waiting atomic.Int64 // flights under way

	mu     sync.Mutex // one asks the KDC, the others wait
	client *client.Client
	made   [sha256.Size]byte // what client was made from
	closed bool
	// failure is why the latest login came to nothing, which counts for all that waited for it.
	failure  error
	failedAt time.Time
}

// Name is Kafka's.
func (t *tickets) Name() string { return "GSSAPI" }

// Authenticate begins an authentication.
func (t *tickets) Authenticate(ctx context.Context, address string) (sasl.Session, []byte, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	service := t.from.Service + "/" + host
	flight := t.flights.DoChan(service, func() (any, error) {
		t.waiting.Add(1)
		defer t.waiting.Add(-1)
		return t.fetch(service)
	})
	select {
	case <-ctx.Done():
		return nil, nil, t.unanswered(ctx.Err())
	case fetched := <-flight:
		if fetched.Err != nil {
			return nil, nil, fetched.Err
		}
		return kerberos.Auth{Client: fetched.Val.(*client.Client), Service: t.from.Service}.AsMechanism().Authenticate(ctx, address)
	}
}

// fetch returns a client that has a ticket for the service.
func (t *tickets) fetch(service string) (*client.Client, error) {
	began := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failedAt.After(began) {
		return nil, t.failure
	}
	krb, err := t.current()
	if err != nil {
		return nil, hinted(lag.ClassConnection, err, "our Kerberos files cannot be read; have them written again")
	}
	if err := krb.AffirmLogin(); err != nil {
		t.failure, t.failedAt = t.explain(err, service), time.Now()
		return nil, t.failure
	}
	if _, _, err := krb.GetServiceTicket(service); err != nil {
		return nil, t.explain(err, service)
	}
	return krb, nil
}

// current returns the client for the files as they are now. It asks nobody. t.mu is held, unless t is new.
func (t *tickets) current() (*client.Client, error) {
	if t.closed {
		return nil, net.ErrClosed
	}
	keys, err := readFile(t.from.KeytabFile)
	if err != nil {
		return nil, fmt.Errorf("kafka.sasl.kerberos.keytab-file: %w", err)
	}
	text, err := readFile(t.from.ConfigFile)
	if err != nil {
		return nil, fmt.Errorf("kafka.sasl.kerberos.krb5-conf-file: %w", err)
	}
	made := sha256.Sum256(slices.Concat(keys, text))
	if t.client != nil && made == t.made {
		return t.client, nil
	}
	tab := parseKeytab(keys)
	if tab == nil {
		return nil, fmt.Errorf("kafka.sasl.kerberos.keytab-file: %s is no keytab, or holds no key; have it written by kadmin or ktutil", t.from.KeytabFile)
	}
	cfg, err := config.NewFromString(string(text))
	if err != nil && !errors.As(err, &config.UnsupportedDirective{}) {
		return nil, fmt.Errorf("kafka.sasl.kerberos.krb5-conf-file: %s: %w", t.from.ConfigFile, err)
	}
	name, realm, _ := strings.Cut(t.from.Principal, "@")
	if realm == "" {
		if realm = cfg.LibDefaults.DefaultRealm; realm == "" {
			return nil, fmt.Errorf("kafka.sasl.kerberos.principal: %q has no realm, and %s has no default_realm; append @REALM", t.from.Principal, t.from.ConfigFile)
		}
	}
	t.drop()
	t.client, t.made = client.NewWithKeytab(name, realm, tab, cfg), made
	return t.client, nil
}

// parseKeytab returns nil if that is no keytab. The library's error is not passed on, since it may hold the whole file, with its keys.
func parseKeytab(text []byte) *keytab.Keytab {
	tab := keytab.New()
	if err := tab.Unmarshal(text); err != nil || len(tab.Entries) == 0 {
		return nil
	}
	return tab
}

// drop ends the client. t.mu is held.
func (t *tickets) drop() {
	if t.client != nil {
		t.client.Destroy()
		t.client = nil
	}
}

// forget has tickets fetched anew: the brokers may have new keys. If the KDC is being asked, they are new already.
func (t *tickets) forget() {
	if t.mu.TryLock() {
		defer t.mu.Unlock()
		t.drop()
	}
}

// close ends the renewal of what is kept. What the KDC is being asked for just now comes to its end within the library's own timeouts.
func (t *tickets) close() {
	go func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.closed = true
		t.drop()
	}()
}

// explain says what to do about a KDC that gave no ticket. The library's errors are texts.
func (t *tickets) explain(err error, service string) error {
	text := err.Error()
	says := func(codes ...string) bool {
		return slices.ContainsFunc(codes, func(code string) bool { return strings.Contains(text, code) })
	}
	k := t.from
	switch {
	case says("KRB_AP_ERR_SKEW"):
		return hinted(lag.ClassAuthentication, err, "this machine's clock and the KDC's differ by more than Kerberos allows (5 minutes, usually); set the clocks by NTP")
	case says("KDC_ERR_S_PRINCIPAL_UNKNOWN"):
		return hinted(lag.ClassConnection, err, "the KDC knows no principal %s; kafka.sasl.kerberos.service-name has to be the brokers' sasl.kerberos.service.name, and its host the one that the broker advertises", service)
	case says("KDC_ERR_C_PRINCIPAL_UNKNOWN"):
		return hinted(lag.ClassAuthentication, err, "the KDC does not know us; check kafka.sasl.kerberos.principal %q and its realm", k.Principal)
	case says("KDC_ERR_PREAUTH_FAILED", "KRB_AP_ERR_BAD_INTEGRITY", "matching key not found", "keytab incorrect"):
		return hinted(lag.ClassAuthentication, err, "the keys in kafka.sasl.kerberos.keytab-file (%s) are not those that the KDC has of %q; write the keytab anew", k.KeytabFile, k.Principal)
	case says("KDC_ERR_CLIENT_REVOKED", "KDC_ERR_NAME_EXP", "KDC_ERR_KEY_EXPIRED", "KDC_ERR_POLICY"):
		return hinted(lag.ClassAuthentication, err, "the KDC refuses %q; have its account enabled", k.Principal)
	}
	return t.unanswered(err)
}

func (t *tickets) unanswered(err error) error {
	return hinted(lag.ClassConnection, err, "no ticket from a KDC; see that those in kafka.sasl.kerberos.krb5-conf-file (%s) are up, and can be reached from here", t.from.ConfigFile)
}

// busy says that no KDC has answered yet.
func (t *tickets) busy() error {
	if t.waiting.Load() == 0 {
		return nil
	}
	return t.unanswered(context.DeadlineExceeded)
}
