package kafka

import (
	"errors"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// rotating is a fake Kafka whose password for us changes, and a Reader with connections that stand.
type rotating struct {
	*fake
	reader *Reader
	secret secretFile
}

func newRotating(t *testing.T) *rotating {
	t.Helper()
	f := securedFake(t, users("old")...)
	f.client = f.newClient(kgo.SASL(plain.Auth{User: "admin", Pass: "admin"}.AsMechanism()))
	r := &rotating{fake: f, secret: newSecret(t, "old")}
	r.reader = f.reader(func(c *Config) {
		c.Security.SASL = &SASL{Mechanism: "SCRAM-SHA-256", Username: "us", Password: r.secret}
	})
	r.reads("at first")
	return r
}

// server changes the password that the brokers want.
func (r *rotating) server(password string) {
	r.t.Helper()
	upsert := kadm.UpsertSCRAM{User: "us", Mechanism: kadm.ScramSha256, Iterations: 4096, Password: password}
	altered, err := kadm.NewClient(r.client).AlterUserSCRAMs(r.t.Context(), nil, []kadm.UpsertSCRAM{upsert})
	if err := errors.Join(err, altered.Error()); err != nil {
		r.t.Fatal(err)
	}
}

// reads makes a collection, of which nothing may be lost.
func (r *rotating) reads(when string) {
	r.t.Helper()
	if obs := r.reader.Read(r.t.Context(), nil); obs.MetadataErr != nil || obs.ListingErr != nil {
		r.t.Fatalf("%s: %v, %v", when, obs.MetadataErr, obs.ListingErr)
	}
}

// look has the files looked at now, and waits until what follows from it has been done. No collection is lost meanwhile.
func (r *rotating) look(when string) {
	r.t.Helper()
	l := r.reader.full
	l.nextLook = time.Time{}
	r.reads(when)
	eventually(r.t, "the new connections", func() bool {
		r.reads(when)
		return l.renewed == nil
	})
}

// refuses wants a collection to say, or not to say, that the brokers refuse what was rotated.
func (r *rotating) refuses(want bool) {
	r.t.Helper()
	err := r.told()
	if got := err != nil; got != want || got && lag.ClassOf(err) != lag.ClassAuthentication {
		r.t.Errorf("the rotation is refused: %v, want %t", err, want)
	}
}

// told returns what a collection says of the rotation.
func (r *rotating) told() error {
	r.t.Helper()
	return r.reader.Read(r.t.Context(), nil).RotationErr
}

// Row 21. What was rotated is used while what was made before still stands, and nothing is lost.
func TestRow21RotationReplacesConnections(t *testing.T) {
	r := newRotating(t)
	for address := range maps.Clone(r.reader.full.links) { // as a broker has that is asked for share groups, too
		if _, err := r.reader.full.linkBy(apart(address), address); err != nil {
			t.Fatal(err)
		}
	}
	before := maps.Clone(r.reader.full.links)
	r.look("nothing has changed")
	if !maps.Equal(before, r.reader.full.links) {
		t.Error("connections were replaced without a reason")
	}
	r.server("new")
	r.secret.write("new")
	r.look("rotated")
	for name, k := range r.reader.full.links {
		if before[name] == k {
			t.Errorf("%s is still connected to as before", name)
		}
	}
	if before, after := len(before), len(r.reader.full.links); before != after {
		t.Errorf("%d connections in the place of %d", after, before)
	}
	age(r.reader)
	r.reads("on new connections")
}

// Row 21. A secret that is rotated here before the brokers know it, or that cannot be read, takes nothing away.
func TestRow21RotationBeforeTheBrokersKnow(t *testing.T) {
	r := newRotating(t)
	before := maps.Clone(r.reader.full.links)
	r.secret.write("new")
	r.look("the brokers do not know it")
	if !maps.Equal(before, r.reader.full.links) {
		t.Error("connections were replaced by some that the brokers refuse")
	}
	r.refuses(true)
	hold := r.reader.full.hold
	if left := time.Until(hold.nextRotation); left < refusedRespite/2 {
		t.Errorf("the next attempt is in %s already", left)
	}
	hold.nextRotation = time.Time{}
	if err := os.Remove(r.secret.path); err != nil {
		t.Fatal(err)
	}
	r.look("the file has gone")
	if err := r.told(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of a file that has gone, a collection tells %v", err)
	}
	r.server("new")
	r.secret.write("new")
	r.look("the brokers know it")
	if maps.Equal(before, r.reader.full.links) {
		t.Error("the connections are still those of before")
	}
	r.refuses(false)
}

// A Reader that ends while new connections are made leaves nothing behind, even if the broker hangs.
func TestRotationEndsWithTheReader(t *testing.T) {
	r := newRotating(t)
	r.ControlKey(int16(kmsg.SASLHandshake), func(kmsg.Request) (kmsg.Response, error, bool) { r.KeepControl(); return nil, nil, true })
	r.secret.write("new")
	r.reader.full.nextLook = time.Time{}
	r.reads("on connections that stand")
	if r.reader.full.renewed == nil {
		t.Error("no rotation is under way")
	}
	r.reader.Close()
}

// Each kind of secret is looked at.
func TestFingerprint(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t, "ours")
	certFile, keyFile := writePair(t, dir, ca.issue("us", time.Hour))
	krb := kerberosOf(t, "127.0.0.1:1")
	password, token, client := newSecret(t, "one"), newSecret(t, "one"), newSecret(t, "one")
	withoutAWS(t)
	shared := newSecret(t, "[default]\n")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", shared.path)
	oauthCA := newSecret(t, "ca")
	for name, c := range map[string]struct {
		security Security
		files    []string
	}{
		"none":     {Security{}, nil},
		"tls":      {Security{TLS: &TLS{CAFile: ca.write(dir), CertFile: certFile, KeyFile: keyFile}}, []string{ca.write(dir), certFile, keyFile}},
		"password": {Security{SASL: &SASL{Mechanism: "PLAIN", Password: password}}, []string{password.path}},
		"token":    {Security{SASL: &SASL{Mechanism: "OAUTHBEARER", OAuth: OAuth{Token: token}}}, []string{token.path}},
		"client":   {Security{SASL: &SASL{Mechanism: "OAUTHBEARER", OAuth: OAuth{ClientSecret: client, CAFile: oauthCA.path}}}, []string{client.path, oauthCA.path}},
		"kerberos": {Security{SASL: &SASL{Mechanism: "GSSAPI", Kerberos: *krb}}, []string{krb.KeytabFile, krb.ConfigFile}},
		"aws":      {Security{SASL: &SASL{Mechanism: "AWS_MSK_IAM"}}, []string{shared.path}},
	} {
		t.Run(name, func(t *testing.T) {
			before, err := c.security.fingerprint()
			if again, _ := c.security.fingerprint(); err != nil || again != before {
				t.Fatal("it is not known, or changes by itself")
			}
			for _, path := range c.files {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, append(text, 'x'), 0o600); err != nil {
					t.Fatal(err)
				}
				after, err := c.security.fingerprint()
				if err != nil || after == before {
					t.Errorf("a change of %s is not seen", path)
				}
				before = after
			}
			for _, path := range c.files {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := c.security.fingerprint(); (err == nil) != (len(c.files) == 0 || name == "aws") { // which looks elsewhere then
				t.Errorf("without its files it gives %v", err)
			}
		})
	}
}
