package kafka

import (
	"crypto/tls"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// rotatingTLS is a fake Kafka whose certificates change, and a Reader whose files do.
type rotatingTLS struct {
	rotating
	presents atomic.Pointer[tls.Config]
	volume   *volume
}

// newRotatingTLS has both sides use the CA, and connections that stand.
func newRotatingTLS(t *testing.T, ca authority) *rotatingTLS {
	t.Helper()
	r := &rotatingTLS{volume: newVolume(t)}
	r.serve(ca, "127.0.0.1")
	r.mount(ca, ca.issue("us", time.Hour))
	r.fake = securedFake(t, kfake.TLS(&tls.Config{
		MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return r.presents.Load(), nil },
	}))
	ours := &TLS{CAFile: r.volume.path("ca.crt"), CertFile: r.volume.path("tls.crt"), KeyFile: r.volume.path("tls.key")}
	r.reader = r.fake.reader(func(c *Config) { c.Security.TLS = ours })
	r.reads("at first")
	return r
}

// serve has the brokers use certificates of the CA for a host, and want clients to have one of it.
func (r *rotatingTLS) serve(ca authority, host string) {
	r.presents.Store(&tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{ca.issue("broker", time.Hour, host)},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool(),
	})
}

// mount has us trust the CA, and present the certificate.
func (r *rotatingTLS) mount(ca authority, ours tls.Certificate) {
	r.volume.swap(func(dir string) {
		ca.write(dir)
		writePair(r.volume.t, dir, ours)
	})
}

// Row 21. Certificates that were rotated, here as in a Secret's volume, are used from the next connection on, and a connection does not
// live for long; no poll is lost.
func TestRow21RotatedCertificates(t *testing.T) {
	oldCA, newCA := newAuthority(t, "old"), newAuthority(t, "new")
	r := newRotatingTLS(t, oldCA)
	r.serve(newCA, "127.0.0.1")
	r.reads("on connections that stand")
	r.mount(newCA, newCA.issue("us", time.Hour))
	for round := range 3 {
		age(r.reader)
		r.reads("on new connections")
		if round == 0 {
			r.volume.swap(func(string) {}) // nothing is mounted any more
			r.reads("on connections that stand, without files")
			r.mount(newCA, newCA.issue("us", time.Hour))
		}
	}
}

// Row 21. Files that changed into what no new connection can be made by take nothing away, but it is told, with what to change, while the old
// connections go on: they would hide it for minutes. It is over once the files are right.
func TestRow21RotationOfNoUseIsTold(t *testing.T) {
	ca, other := newAuthority(t, "ours"), newAuthority(t, "others")
	us := ca.issue("us", time.Hour)
	for name, c := range map[string]struct {
		change func(r *rotatingTLS)
		class  lag.Class
		want   string
	}{
		"wrong CA": {func(r *rotatingTLS) { r.mount(other, us) }, lag.ClassConnection, "put the brokers' CA there"},
		"wrong host": {func(r *rotatingTLS) {
			r.serve(other, "kafka-0.example")
			r.mount(other, other.issue("us", time.Hour))
		}, lag.ClassConnection, `not for "127.0.0.1" but for kafka-0.example; set kafka.tls.server-name`},
		"no certificate in the CA file": {func(r *rotatingTLS) {
			r.mount(ca, us)
			if err := os.WriteFile(r.volume.path("ca.crt"), []byte("nothing"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, lag.ClassConnection, "kafka.tls.ca-file: "},
		"key of another": {func(r *rotatingTLS) {
			r.mount(ca, us)
			_, key := writePair(t, t.TempDir(), ca.issue("us", time.Hour))
			if err := os.Rename(key, r.volume.path("tls.key")); err != nil {
				t.Fatal(err)
			}
		}, lag.ClassConnection, "kafka.tls.cert-file, kafka.tls.key-file: "},
		"client of another CA": {func(r *rotatingTLS) { r.mount(ca, other.issue("us", time.Hour)) }, lag.ClassAuthentication, "the broker refused our client certificate"},
		"expired client":       {func(r *rotatingTLS) { r.mount(ca, ca.issue("us", -time.Minute)) }, lag.ClassAuthentication, "EXPIRED at"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRotatingTLS(t, ca)
			before := maps.Clone(r.reader.full.links)
			if err := r.told(); err != nil {
				t.Fatalf("before anything has changed: %v", err)
			}
			c.change(r)
			r.look("the files are of no use")
			err := r.told()
			if lag.ClassOf(err) != c.class || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "connections from before go on") {
				t.Errorf("%q (class %s) lacks %q (class %s)", err, lag.ClassOf(err), c.want, c.class)
			}
			if !maps.Equal(before, r.reader.full.links) {
				t.Error("connections were replaced by some that are of no use")
			}
			r.serve(ca, "127.0.0.1")
			r.mount(ca, ca.issue("us", time.Hour))
			r.reader.full.hold.nextRotation = time.Time{}
			r.look("the files are right")
			if err := r.told(); err != nil {
				t.Errorf("the files are right, and a collection tells %v", err)
			}
			if maps.Equal(before, r.reader.full.links) {
				t.Error("the connections are still those of before")
			}
		})
	}
}

// age makes all connections old.
func age(r *Reader) {
	for _, l := range []*lane{r.full, r.hot} {
		for _, k := range l.links {
			k.dialer.mu.Lock()
			for c := range k.dialer.conns {
				c.until = time.Time{}
			}
			k.dialer.mu.Unlock()
		}
	}
}

// volume is a folder like that of a Secret: what it shows is changed at once, by the change of a link.
type volume struct {
	t    *testing.T
	dir  string
	next int
}

func newVolume(t *testing.T) *volume { return &volume{t: t, dir: t.TempDir()} }

func (v *volume) path(name string) string { return filepath.Join(v.dir, "..data", name) }

func (v *volume) swap(write func(dir string)) {
	v.t.Helper()
	v.next++
	dir := filepath.Join(v.dir, "..", "data-"+string(rune('a'+v.next)))
	link := filepath.Join(v.dir, "..data_tmp")
	for _, err := range []error{os.Mkdir(dir, 0o700), os.Symlink(dir, link)} {
		if err != nil {
			v.t.Fatal(err)
		}
	}
	write(dir)
	if err := os.Rename(link, filepath.Join(v.dir, "..data")); err != nil {
		v.t.Fatal(err)
	}
}
