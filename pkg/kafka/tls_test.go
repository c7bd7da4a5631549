package kafka

import (
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// securedFake starts a fake Kafka with these options, which has no client of its own.
func securedFake(t *testing.T, opts ...kfake.Opt) *fake {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(2), kfake.SeedTopics(2, "orders")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return &fake{Cluster: cluster, t: t}
}

// secured starts a fake Kafka with these options and returns a Reader for it.
func secured(t *testing.T, security Security, opts ...kfake.Opt) *Reader {
	t.Helper()
	return securedFake(t, opts...).reader(func(c *Config) { c.Security = security })
}

// listening is a TLS listener that presents the certificate, and that wants one of clients if it is given a CA for them.
func listening(server tls.Certificate, clients *authority) kfake.Opt {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{server}}
	if clients != nil {
		cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, clients.pool()
	}
	return kfake.TLS(cfg)
}

func TestTLS(t *testing.T) {
	ca := newAuthority(t, "ours")
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir, ca.issue("us", time.Hour))
	for name, c := range map[string]struct {
		ours    TLS
		theirs  tls.Certificate
		clients *authority
	}{
		"by address":                 {TLS{}, ca.issue("broker", time.Hour, "127.0.0.1"), nil},
		"by name":                    {TLS{ServerName: "kafka.example"}, ca.issue("broker", time.Hour, "kafka.example"), nil},
		"with a client certificate":  {TLS{CertFile: certFile, KeyFile: keyFile}, ca.issue("broker", time.Hour, "127.0.0.1"), &ca},
		"with one that nobody wants": {TLS{CertFile: certFile, KeyFile: keyFile}, ca.issue("broker", time.Hour, "127.0.0.1"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.ours.CAFile = ca.write(dir)
			r := secured(t, Security{TLS: &c.ours}, listening(c.theirs, c.clients))
			if obs := r.Read(t.Context(), nil); obs.MetadataErr != nil || obs.ListingErr != nil || len(obs.Brokers) != 2 {
				t.Errorf("%v, %v, %d brokers", obs.MetadataErr, obs.ListingErr, len(obs.Brokers))
			}
		})
	}
}

// Row 21. Each mistake has a message of its own, which says what to change.
func TestRow21TLSMistakesSayWhatToChange(t *testing.T) {
	ca, other := newAuthority(t, "ours"), newAuthority(t, "others")
	dir, expired, others := t.TempDir(), t.TempDir(), t.TempDir()
	caFile := ca.write(dir)
	expiredCert, expiredKey := writePair(t, expired, ca.issue("us", -time.Minute))
	othersCert, othersKey := writePair(t, others, other.issue("us", time.Hour))
	good := ca.issue("broker", time.Hour, "127.0.0.1")
	for name, c := range map[string]struct {
		ours  *TLS
		opts  []kfake.Opt
		class lag.Class
		want  []string
	}{
		"wrong CA": {
			&TLS{CAFile: other.write(others)}, []kfake.Opt{listening(good, nil)}, lag.ClassConnection,
			[]string{`issued by "CN=ours"`, "kafka.tls.ca-file (" + others, "put the brokers' CA there"},
		},
		"the system's CAs": {
			&TLS{}, []kfake.Opt{listening(good, nil)}, lag.ClassConnection,
			[]string{`issued by "CN=ours"`, "name the file with the brokers' CA as kafka.tls.ca-file"},
		},
		"wrong host": {
			&TLS{CAFile: caFile}, []kfake.Opt{listening(ca.issue("broker", time.Hour, "kafka-0.example", "127.9.9.9"), nil)}, lag.ClassConnection,
			[]string{`not for "127.0.0.1" but for kafka-0.example, 127.9.9.9`, "set kafka.tls.server-name"},
		},
		"wrong server name": {
			&TLS{CAFile: caFile, ServerName: "elsewhere"}, []kfake.Opt{listening(good, nil)}, lag.ClassConnection,
			[]string{`not for "elsewhere" but for 127.0.0.1`, "set kafka.tls.server-name"},
		},
		"expired": {
			&TLS{CAFile: caFile}, []kfake.Opt{listening(ca.issue("broker", -time.Minute, "127.0.0.1"), nil)}, lag.ClassConnection,
			[]string{"is not valid now", "renew it"},
		},
		"no client certificate": {
			&TLS{CAFile: caFile}, []kfake.Opt{listening(good, &ca)}, lag.ClassAuthentication,
			[]string{"wants a client certificate", "kafka.tls.cert-file and kafka.tls.key-file"},
		},
		"expired client certificate": {
			&TLS{CAFile: caFile, CertFile: expiredCert, KeyFile: expiredKey}, []kfake.Opt{listening(good, &ca)}, lag.ClassAuthentication,
			[]string{"refused our client certificate", expiredCert, `"CN=us"`, "EXPIRED at"},
		},
		"client certificate of another CA": {
			&TLS{CAFile: caFile, CertFile: othersCert, KeyFile: othersKey}, []kfake.Opt{listening(good, &ca)}, lag.ClassAuthentication,
			[]string{"refused our client certificate", othersCert, `issued by "CN=others"`, "ssl.truststore"},
		},
		"plain text to a TLS port": {
			nil, []kfake.Opt{listening(good, nil)}, lag.ClassConnection,
			[]string{"set kafka.tls.enabled to true"},
		},
		"TLS to a plain-text port": {
			&TLS{CAFile: caFile}, nil, lag.ClassTimeout, // the fake waits for the rest of what it takes for a request
			[]string{"plain-text listener", "set kafka.tls.enabled to false"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := secured(t, Security{TLS: c.ours}, c.opts...)
			var err error
			eventually(t, "a message that says why", func() bool { // the client may be told only by the end of the connection
				err = r.Read(t.Context(), nil).MetadataErr
				return err != nil && strings.Contains(err.Error(), c.want[0])
			})
			if got := lag.ClassOf(err); got != c.class {
				t.Errorf("class %s, want %s", got, c.class)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing from: %v", want, err)
				}
			}
		})
	}
}

// A plain-text listener of Kafka takes the beginning of TLS for a request that is too large, and hangs up.
func TestRow21TLSToWhatIsNotTLS(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"hangs up":    {"", "closed the connection in the TLS handshake, as a plain-text listener does"},
		"speaks text": {"HTTP/1.1 400 Bad Request\r\n", "answers in plain text"},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var serving sync.WaitGroup
			t.Cleanup(serving.Wait)
			t.Cleanup(func() { _ = listener.Close() })
			serving.Go(func() {
				for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
					_, _ = conn.Read(make([]byte, 1<<16))
					_, _ = io.WriteString(conn, c.answer)
					_ = conn.Close()
				}
			})
			r, err := NewReader(Config{Cluster: "test", Brokers: []string{listener.Addr().String()}, Timeout: 3 * time.Second, Security: Security{TLS: &TLS{}}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(r.Close)
			err = r.Read(t.Context(), nil).MetadataErr
			if lag.ClassOf(err) != lag.ClassConnection || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "set kafka.tls.enabled to false") {
				t.Error(err)
			}
		})
	}
}

// Files that make no sense are found at the start.
func TestTLSFilesAreChecked(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t, "ours")
	caFile := ca.write(dir)
	certFile, keyFile := writePair(t, dir, ca.issue("us", time.Hour))
	for want, ours := range map[string]TLS{
		"kafka.tls.ca-file: " + keyFile + " holds no certificate":                                                        {CAFile: keyFile},
		"kafka.tls.ca-file: open " + dir + "/none":                                                                       {CAFile: filepath.Join(dir, "none")},
		"kafka.tls.cert-file, kafka.tls.key-file: open " + dir + "/none":                                                 {CertFile: certFile, KeyFile: filepath.Join(dir, "none")},
		"kafka.tls.cert-file, kafka.tls.key-file: " + caFile + " and " + keyFile + " are no certificate and its private": {CertFile: caFile, KeyFile: keyFile},
	} {
		_, err := NewReader(Config{Cluster: "test", Brokers: []string{"127.0.0.1:1"}, Timeout: time.Second, Security: Security{TLS: &ours}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}
