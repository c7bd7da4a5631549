package secure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/page"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/volume"
)

// TestRow21Rotation rotates each kind of secret as a Secret's volume does. What
// is new is in use within 60 s, since connections are, and no poll is lost.
func TestRow21Rotation(t *testing.T) {
	newCA, err := pki.NewCA("the brokers' CA") // as shared.ca is called
	suite.Try(t, err)
	took := &rotated{}
	t.Cleanup(func() { took.report(t) })
	for name, c := range map[string]struct {
		listener, security string
		steps              []func(ctx context.Context, v *volume.Volume) error // the first before the start
		what               []string                                            // is rotated, by the others
	}{
		"password":     {"SCRAM", trust + "}\n  sasl: {mechanism: SCRAM-SHA-512, username: rotating, password-file: VOLUME/password}\n", passwordSteps(), []string{"password of Kafka (SCRAM)"}},
		"token":        {"OAUTH", trust + "}\n  sasl:\n    mechanism: OAUTHBEARER\n    oauth: {token-file: VOLUME/token}\n", tokenSteps(), []string{"token of Kafka (OAUTHBEARER)"}},
		"keytab":       {"GSSAPI", trust + "}\n  sasl:\n    mechanism: GSSAPI\n    kerberos: {principal: rotating, keytab-file: VOLUME/keytab, krb5-conf-file: DIR/kdc/krb5.conf}\n", keytabSteps(), []string{"keytab of Kafka (GSSAPI)"}},
		"certificates": {"ROTATED", "kafka:\n  tls: {enabled: true, ca-file: VOLUME/ca.crt, cert-file: VOLUME/tls.crt, key-file: VOLUME/tls.key}\n", certificateSteps(newCA), []string{"client certificate of Kafka (mTLS), by another CA", "certificate of the brokers, by another CA"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := suite.Within(t, 4*time.Minute)
			v, err := volume.New(filepath.Join(shared.dir, "volume-"+name))
			suite.Try(t, err)
			suite.Try(t, c.steps[0](ctx, v))
			e := startExporter(ctx, t, "rotated-"+name, c.listener, strings.ReplaceAll(c.security, "VOLUME", v.Dir()), "--poll-interval=2s")
			suite.Try(t, await.Until(ctx, "the lag", func(ctx context.Context) error { return lags(ctx, e, 3) }))
			lostBefore, err := readErrors(ctx, e)
			suite.Try(t, err)
			for i, step := range c.steps[1:] {
				before, err := connections(e.PID(), c.listener)
				suite.Try(t, err)
				began := time.Now()
				suite.Try(t, step(ctx, v))
				suite.Try(t, replaced(ctx, t, e, c.listener, before, fmt.Sprintf("new connections after step %d", i+1)))
				took.add(c.what[i], time.Since(began))
			}
			lost, err := readErrors(ctx, e)
			suite.Try(t, err)
			if lost != lostBefore {
				t.Errorf("%v reads failed:\n%s", lost-lostBefore, logOf(t, "rotated-"+name))
			}
		})
	}
}

// rotated is how long rotations took until the last connection of before was gone.
type rotated struct {
	mu  sync.Mutex
	all []page.Rotation
}

func (r *rotated) add(what string, after time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, page.Rotation{What: what, After: after})
}

// report writes them into docs/faults.md, if that is asked for.
func (r *rotated) report(t *testing.T) {
	t.Helper()
	slices.SortFunc(r.all, func(a, b page.Rotation) int { return strings.Compare(a.What, b.What) })
	for _, took := range r.all {
		t.Logf("%s: %s", took.What, took.After.Round(time.Millisecond))
	}
	suite.Try(t, page.Rotations(shared.where.Root, r.all))
}

// replaced waits, for as long as a rotation may take to be in use, until none
// of the connections of before stands; meanwhile the lag must be known.
func replaced(ctx context.Context, t *testing.T, e *exporter.Exporter, listener string, before map[string]bool, what string) error {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("not within 60 s"))
	defer cancel()
	return await.Until(ctx, what, func(ctx context.Context) error {
		if err := lags(ctx, e, 1); err != nil {
			t.Error(err)
		}
		now, err := connections(e.PID(), listener)
		if err != nil {
			return err
		}
		for inode := range before {
			if now[inode] {
				return errors.New("connections of before stand still")
			}
		}
		if len(now) == 0 {
			return errors.New("no connection stands")
		}
		return nil
	})
}

// connections are the sockets by which a process is connected to a listener.
func connections(pid int, listener string) (map[string]bool, error) {
	address, err := shared.bootstrap(listener)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	return proc.Connections(pid, number)
}

// readErrors counts what could not be read since the start.
func readErrors(ctx context.Context, e *exporter.Exporter) (sum float64, err error) {
	got, err := e.Scrape(ctx)
	for name, value := range got {
		if strings.HasPrefix(name, "kafka_lag_collector_read_errors_total ") {
			sum += value
		}
	}
	return sum, err
}

func passwordSteps() []func(context.Context, *volume.Volume) error {
	const user = "rotating"
	return []func(context.Context, *volume.Volume) error{
		func(ctx context.Context, v *volume.Volume) error {
			err := shared.admin(func(admin *kadm.Client) error {
				return allow(ctx, admin, describe("User:"+user).Topics("*").Groups("*"))
			})
			return errors.Join(err, shared.addUser(ctx, user, password), v.Swap(map[string]string{"password": password}))
		},
		func(ctx context.Context, v *volume.Volume) error { // the old one is good no more
			return errors.Join(shared.addUser(ctx, user, newPassword), v.Swap(map[string]string{"password": newPassword}))
		},
	}
}

func tokenSteps() []func(context.Context, *volume.Volume) error {
	step := func(_ context.Context, v *volume.Volume) error {
		token, err := shared.idp.token("lag-oauth", audience)
		return errors.Join(err, v.Swap(map[string]string{"token": token}))
	}
	return []func(context.Context, *volume.Volume) error{step, step}
}

func keytabSteps() []func(context.Context, *volume.Volume) error {
	const principal = "rotating"
	// ktadd gives the principal new keys; those of before are good no more.
	step := func(name string) func(context.Context, *volume.Volume) error {
		return func(ctx context.Context, v *volume.Volume) error {
			path := shared.kdc.path(name)
			if err := shared.kdc.admin(ctx, "ktadd -k "+path+" "+principal); err != nil {
				return err
			}
			keytab, err := os.ReadFile(path)
			return errors.Join(err, v.Swap(map[string]string{"keytab": string(keytab)}))
		}
	}
	return []func(context.Context, *volume.Volume) error{
		func(ctx context.Context, v *volume.Volume) error {
			return errors.Join(shared.kdc.admin(ctx, "addprinc -randkey "+principal), step("first.keytab")(ctx, v))
		},
		step("second.keytab"),
	}
}

// certificateSteps take the client's certificate, then the broker's, and then
// our trust from one CA to another.
func certificateSteps(newCA *pki.CA) []func(context.Context, *volume.Volume) error {
	mount := func(v *volume.Volume, trusted []byte, issuer *pki.CA) error {
		ours, err := issuer.Client("lag-mtls")
		return errors.Join(err, v.Swap(map[string]string{"ca.crt": string(trusted), "tls.crt": string(ours.Cert), "tls.key": string(ours.Key)}))
	}
	both := func() []byte { return append(append([]byte(nil), shared.ca.Cert...), newCA.Cert...) }
	return []func(context.Context, *volume.Volume) error{
		func(ctx context.Context, v *volume.Volume) error {
			err := shared.set(ctx, map[string]string{"listener.name.rotated.ssl.truststore.certificates": string(both())})
			return errors.Join(err, mount(v, shared.ca.Cert, shared.ca))
		},
		func(_ context.Context, v *volume.Volume) error { return mount(v, both(), newCA) },
		func(ctx context.Context, v *volume.Volume) error {
			server, err := newCA.Server("127.0.0.1", "localhost", "kafka.example")
			if err != nil {
				return err
			}
			key, err := server.PKCS8()
			if err != nil {
				return err
			}
			err = shared.set(ctx, map[string]string{
				"listener.name.rotated.ssl.keystore.type": "PEM", "listener.name.rotated.ssl.keystore.certificate.chain": string(server.Cert), "listener.name.rotated.ssl.keystore.key": key,
			})
			return errors.Join(err, mount(v, newCA.Cert, newCA))
		},
	}
}

// set changes the broker's configuration while it runs.
func (s *stack) set(ctx context.Context, properties map[string]string) error {
	return s.admin(func(admin *kadm.Client) error {
		var changes []kadm.AlterConfig
		for name, value := range properties {
			changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value})
		}
		altered, err := admin.AlterBrokerConfigs(ctx, changes, 1)
		for _, a := range altered {
			if a.Err != nil {
				err = errors.Join(err, fmt.Errorf("%w: %s", a.Err, a.ErrMessage))
			}
		}
		return err
	})
}
