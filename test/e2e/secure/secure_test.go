package secure

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

const trust = "kafka:\n  tls: {enabled: true, ca-file: DIR/ca.crt"

// laterPolls is a number of polls during which the sessions of the listener
// OAUTH end, so that they are authenticated anew.
const laterPolls = 10

// TestWaysIn has the lag read by every kind of listener, with the
// configurations of docs/connect.
func TestWaysIn(t *testing.T) {
	t.Setenv("SSL_CERT_FILE", filepath.Join(shared.dir, "ca.crt")) // the system's CAs
	blocks := documented(t)
	for name, c := range map[string]struct{ listener, block string }{
		"tls":         {"TLS", "tls"},
		"mtls":        {"MTLS", "mtls"},
		"password":    {"SCRAM", "scram"},
		"plain":       {"PLAIN", "sasl-plain"},
		"confluent":   {"PLAIN", "sasl-plain 2"},
		"token":       {"OAUTH", "oauthbearer"},
		"credentials": {"OAUTH", "oauthbearer 2"},
		"kerberos":    {"GSSAPI", "gssapi"},
		"plaintext":   {"PLAINTEXT", ""},
		"scram-256":   {"SCRAM", ""},
	} {
		t.Run(name, func(t *testing.T) {
			security, found := blocks[c.block]
			switch {
			case name == "scram-256":
				security = trust + "}\n  sasl: {mechanism: SCRAM-SHA-256, username: lag-256, password-file: DIR/password}\n"
			case c.block != "" && !found:
				t.Fatalf("docs/connect has no block of YAML for %q", c.block)
			}
			delete(blocks, c.block)
			readsLag(t, name, c.listener, security)
		})
	}
	delete(blocks, "aws-msk-iam") // there is none here
	for left := range blocks {
		t.Errorf("nobody has run what docs/connect has for %q", left)
	}
}

// readsLag wants an exporter to read the lag, for longer than a session lasts.
func readsLag(t *testing.T, name, listener, security string) {
	t.Helper()
	ctx := suite.Within(t, time.Minute)
	e := startExporter(ctx, t, name, listener, security)
	suite.Try(t, await.Until(ctx, "the lag", func(ctx context.Context) error { return lags(ctx, e, 1) }))
	suite.Try(t, await.Until(ctx, "the lag in later polls", func(ctx context.Context) error { return lags(ctx, e, laterPolls) }))
	if code, text := runCommand(ctx, t, name+"-print", "config", "print", "--config="+filepath.Join(shared.dir, name+".yaml")); code != 0 {
		t.Errorf("config print: exit code %d: %s", code, text)
	}
	if code, text := runCheck(ctx, t, name+"-check", listener, security); code != 0 {
		t.Errorf("check: exit code %d:\n%s", code, text)
	}
	if log := logOf(t, name); strings.Contains(log, "class=authentication") || strings.Contains(log, "class=connection") {
		t.Errorf("not all went well:\n%s", log)
	}
}

// lags wants the lag, after so many polls.
func lags(ctx context.Context, e *exporter.Exporter, atLeast float64) error {
	got, err := e.Scrape(ctx)
	if err != nil {
		return err
	}
	if lag, known := got[series.Name("kafka_consumergroup_lag", "consumergroup", group, "topic", topic, "partition", "0")]; !known || lag != records-committed {
		return fmt.Errorf("the lag is %v (known: %v), want %d", lag, known, records-committed)
	}
	if n := polls(got); n < atLeast {
		return fmt.Errorf("%v polls so far, want %v", n, atLeast)
	}
	return nil
}

// TestRow11MissingACLs has each right of the README missing in turn. Kafka
// leaves out of its answers, without a word, what a user may not see; so it is
// absent here, too, and not a number.
func TestRow11MissingACLs(t *testing.T) {
	const security = trust + "}\n  sasl: {mechanism: SCRAM-SHA-512, username: USER, password-file: DIR/password}\n"
	for user, seesGroup := range map[string]bool{"no-topics": true, "no-groups": false} {
		t.Run(user, func(t *testing.T) {
			ctx := suite.Within(t, time.Minute)
			e := startExporter(ctx, t, user, "SCRAM", strings.ReplaceAll(security, "USER", user))
			var got series.Set
			suite.Try(t, await.Until(ctx, "three polls", func(ctx context.Context) (err error) {
				if got, err = e.Scrape(ctx); err == nil && polls(got) < 3 {
					err = fmt.Errorf("%v polls so far", polls(got))
				}
				return err
			}))
			if _, seen := got[series.Name("kafka_consumergroup_up", "consumergroup", group)]; seen != seesGroup {
				t.Errorf("the group is seen: %v", seen)
			}
			for name, value := range got {
				if strings.HasPrefix(name, "kafka_consumergroup_lag") {
					t.Errorf("%s is %v", name, value)
				}
			}
		})
	}
}

func polls(s series.Set) float64 {
	return s[series.Name("kafka_lag_collector_poll_duration_seconds_count", "cluster", "default", "lane", "all")]
}

// TestRow21Mistakes has every mistake say what to change, and show no secret.
func TestRow21Mistakes(t *testing.T) {
	const plain = "  sasl: {mechanism: PLAIN, username: lag-plain, password-file: DIR/password}\n"
	for name, c := range map[string]struct{ listener, security, want string }{
		"wrong-ca":         {"TLS", "kafka:\n  tls: {enabled: true, ca-file: DIR/other-ca.crt}\n", "which is none of the CAs in kafka.tls.ca-file"},
		"wrong-host":       {"TLS", trust + ", server-name: elsewhere.example}\n", "set kafka.tls.server-name to one of them"},
		"no-client-cert":   {"MTLS", trust + "}\n", "name one as kafka.tls.cert-file and kafka.tls.key-file"},
		"wrong-client":     {"MTLS", trust + ", cert-file: DIR/other.crt, key-file: DIR/other.key}\n", "the broker refused our client certificate"},
		"plain-to-tls":     {"TLS", "", "set kafka.tls.enabled to true"},
		"tls-to-plain":     {"PLAINTEXT", trust + "}\n", "set kafka.tls.enabled to false"},
		"wrong-plain":      {"PLAIN", trust + "}\n  sasl: {mechanism: PLAIN, username: lag-plain, password-file: DIR/wrong}\n", `the broker refused our identity; check user \"lag-plain\", the password in kafka.sasl.password-file`},
		"wrong-scram":      {"SCRAM", trust + "}\n  sasl: {mechanism: SCRAM-SHA-512, username: lag-512, password-file: DIR/wrong}\n", `the broker refused our identity; check user \"lag-512\"`},
		"wrong-mechanism":  {"SCRAM", trust + "}\n" + plain, "the broker does not offer PLAIN at this port; set kafka.sasl.mechanism"},
		"no-sasl":          {"PLAIN", trust + "}\n", "set kafka.sasl.mechanism"},
		"sasl-to-none":     {"TLS", trust + "}\n" + plain, "the broker wants no SASL at this port"},
		"refused-token":    {"OAUTH", trust + "}\n  sasl:\n    mechanism: OAUTHBEARER\n    oauth: {token-file: DIR/refused-token}\n", "check the token in kafka.sasl.oauth.token-file"},
		"krb-unknown":      {"GSSAPI", trust + "}\n  sasl:\n    mechanism: GSSAPI\n    kerberos: {principal: nobody, keytab-file: DIR/kdc/lag.keytab, krb5-conf-file: DIR/kdc/krb5.conf}\n", "the KDC does not know us"},
		"krb-service":      {"GSSAPI", trust + "}\n  sasl:\n    mechanism: GSSAPI\n    kerberos: {principal: lag-krb, service-name: other, keytab-file: DIR/kdc/lag.keytab, krb5-conf-file: DIR/kdc/krb5.conf}\n", "the KDC knows no principal other/127.0.0.1"},
		"krb-keytab":       {"GSSAPI", trust + "}\n  sasl:\n    mechanism: GSSAPI\n    kerberos: {principal: lag-krb, keytab-file: DIR/kdc/broker.keytab, krb5-conf-file: DIR/kdc/krb5.conf}\n", "are not those that the KDC has of"},
		"krb-no-kdc":       {"GSSAPI", trust + "}\n  sasl:\n    mechanism: GSSAPI\n    kerberos: {principal: lag-krb, keytab-file: DIR/kdc/lag.keytab, krb5-conf-file: DIR/no-kdc.conf}\n", "no ticket from a KDC"},
		"expired-server":   {"EXPIRED", trust + "}\n", "the certificate of the broker, or of the CA that issued it, is not valid now"},
		"expired-client":   {"MTLS", trust + ", cert-file: DIR/expired.crt, key-file: DIR/expired.key}\n", "EXPIRED at"},
		"wrong-credential": {"OAUTH", trust + "}\n  sasl:\n    mechanism: OAUTHBEARER\n    oauth: {token-url: IDP/token, ca-file: DIR/idp.crt, client-id: lag-oauth, client-secret-file: DIR/wrong}\n", "refused us; check kafka.sasl.oauth.client-id"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := suite.Within(t, time.Minute)
			startExporter(ctx, t, name, c.listener, c.security)
			suite.Try(t, await.Until(ctx, "the message", func(context.Context) error {
				if log := logOf(t, name); !strings.Contains(log, c.want) {
					return fmt.Errorf("%s is not in the log:\n%s", c.want, log)
				}
				return nil
			}))
		})
	}
}

func startExporter(ctx context.Context, t *testing.T, name, listener, security string, args ...string) *exporter.Exporter {
	t.Helper()
	config, err := shared.config(name, listener, security)
	suite.Try(t, err)
	e, err := exporter.Start(ctx, shared.where, shared.dir, name, append([]string{"--config=" + config}, args...)...)
	suite.Try(t, err)
	t.Cleanup(func() {
		keepMetrics(t, name, e)
		if err := e.Stop(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// keepMetrics keeps the series beside the log.
func keepMetrics(t *testing.T, name string, e *exporter.Exporter) {
	t.Helper()
	got, err := e.Scrape(context.Background()) // the test's own has ended
	if err != nil {
		t.Error(err)
	}
	names := strings.Join(slices.Collect(maps.Keys(got)), "\n")
	if err := os.WriteFile(filepath.Join(shared.dir, name+".metrics"), []byte(names), 0o600); err != nil {
		t.Error(err)
	}
}

func logOf(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(shared.dir, name+".log"))
	suite.Try(t, err)
	return string(text)
}
