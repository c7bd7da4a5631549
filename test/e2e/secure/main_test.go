// Package secure holds the end-to-end tests of connecting to a real Kafka in
// every way that it can be secured, with its authorizer on. They need no
// Kubernetes.
package secure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/canary"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

// What the group of all tests lags by, and how its readers authenticate.
const (
	topic     = "orders"
	group     = "billing"
	records   = 10
	committed = 4
)

// The passwords of a run. None of them may be shown.
var password, wrong, newPassword, clientSecret = canary.Text(), canary.Text(), canary.Text(), canary.Text()

// principals are who we are by each listener, with all rights that the README lists.
func principals() []string {
	return []string{"User:CN=lag-mtls", "User:lag-plain", "User:lag-256", "User:lag-512", "User:lag-oauth", "User:lag-krb"}
}

// stack is what all tests of this package share.
type stack struct {
	where layout.Layout
	dir   string // logs and files of this run
	ca    *pki.CA
	idp   *idp
	kdc   *kdc
	kafka *kafka.Cluster
}

// shared is set by TestMain before the tests run and not after.
var shared *stack

func TestMain(m *testing.M) {
	os.Exit(suite.Run(m, "secure", &shared, start)) //nolint:forbidigo // this is the main of the test's binary
}

func start(ctx context.Context, where layout.Layout, dir string) (*stack, error) {
	s := &stack{where: where, dir: dir}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *stack) start(ctx context.Context) (err error) {
	if err = canary.Note(s.dir, canary.Password, password, wrong, newPassword, clientSecret); err != nil {
		return err
	}
	if s.ca, err = pki.NewCA("the brokers' CA"); err != nil {
		return err
	}
	if s.idp, err = startIDP(); err != nil {
		return err
	}
	if s.kdc, err = startKDC(ctx, filepath.Join(s.dir, "kdc")); err != nil {
		return err
	}
	properties, err := s.properties()
	if err != nil {
		return err
	}
	s.kafka, err = kafka.Start(ctx, kafka.Config{
		Libs: s.where.KafkaLibs(), Dir: filepath.Join(s.dir, "kafka"), Nodes: 1, Listeners: listeners(s.idp, s.kdc), Properties: properties,
		JVM: []string{"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=" + s.idp.keysURL(), "-Djava.security.krb5.conf=" + s.kdc.path("krb5.conf")},
	})
	if err != nil {
		return err
	}
	if err := s.writeFiles(); err != nil {
		return err
	}
	return s.fill(ctx)
}

// properties are for the TLS of all listeners, and for the authorizer.
func (s *stack) properties() (map[string]string, error) {
	server, err := s.ca.Server("127.0.0.1", "localhost", "kafka.example")
	if err != nil {
		return nil, err
	}
	key, err := server.PKCS8()
	if err != nil {
		return nil, err
	}
	expired, err := s.ca.Expired().Server("127.0.0.1")
	if err != nil {
		return nil, err
	}
	expiredKey, err := expired.PKCS8()
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"ssl.keystore.type": "PEM", "ssl.keystore.certificate.chain": string(server.Cert), "ssl.keystore.key": key,
		// What is to change while the broker runs has to be the listener's own.
		"listener.name.rotated.ssl.keystore.type": "PEM", "listener.name.rotated.ssl.keystore.certificate.chain": string(server.Cert), "listener.name.rotated.ssl.keystore.key": key,
		"listener.name.rotated.ssl.truststore.type": "PEM", "listener.name.rotated.ssl.truststore.certificates": string(s.ca.Cert),
		"listener.name.expired.ssl.keystore.certificate.chain": string(expired.Cert), "listener.name.expired.ssl.keystore.key": expiredKey,
		"ssl.truststore.type": "PEM", "ssl.truststore.certificates": string(s.ca.Cert),
		"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":           "User:ANONYMOUS", // the brokers among themselves, and the tests' own clients
	}, nil
}

// listeners are the ways into the broker.
func listeners(idp *idp, kdc *kdc) []kafka.Listener {
	const security = "org.apache.kafka.common.security."
	scram := map[string]string{"sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512"}
	for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
		scram[mechanism+".sasl.jaas.config"] = security + "scram.ScramLoginModule required;"
	}
	return []kafka.Listener{
		{Name: "TLS", Protocol: "SSL"},
		{Name: "MTLS", Protocol: "SSL", Properties: map[string]string{"ssl.client.auth": "required"}},
		{Name: "ROTATED", Protocol: "SSL", Properties: map[string]string{"ssl.client.auth": "required"}},
		{Name: "EXPIRED", Protocol: "SSL"},
		{Name: "PLAIN", Protocol: "SASL_SSL", Properties: map[string]string{
			"sasl.enabled.mechanisms": "PLAIN",
			"plain.sasl.jaas.config":  fmt.Sprintf(`%splain.PlainLoginModule required user_lag-plain="%s";`, security, password),
		}},
		{Name: "SCRAM", Protocol: "SASL_SSL", Properties: scram},
		{Name: "OAUTH", Protocol: "SASL_SSL", Properties: map[string]string{
			"sasl.enabled.mechanisms":                        "OAUTHBEARER",
			"oauthbearer.sasl.jaas.config":                   security + "oauthbearer.OAuthBearerLoginModule required;",
			"oauthbearer.sasl.server.callback.handler.class": security + "oauthbearer.OAuthBearerValidatorCallbackHandler",
			"sasl.oauthbearer.jwks.endpoint.url":             idp.keysURL(),
			"sasl.oauthbearer.expected.audience":             audience,
			"connections.max.reauth.ms":                      "4000", // a session ends while it is in use; Kafka wants at least a second between
		}},
		{Name: "GSSAPI", Protocol: "SASL_SSL", Properties: map[string]string{
			"sasl.enabled.mechanisms":    "GSSAPI",
			"sasl.kerberos.service.name": "kafka",
			"gssapi.sasl.jaas.config": fmt.Sprintf(`com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true keyTab="%s" principal="kafka/127.0.0.1@%s";`,
				kdc.path("broker.keytab"), realm),
		}},
	}
}

// fill gives the group its lag, SCRAM its users, and all of them their rights.
func (s *stack) fill(ctx context.Context) error {
	work := workload.Kafka{Bootstrap: s.kafka.Bootstrap()}
	if err := errors.Join(work.CreateTopic(ctx, topic, 1), work.Produce(ctx, topic, records), work.Commit(ctx, group, topic, map[int32]int64{0: committed})); err != nil {
		return err
	}
	return work.Admin(func(admin *kadm.Client) error {
		users := []kadm.UpsertSCRAM{
			{User: "lag-256", Mechanism: kadm.ScramSha256, Iterations: 4096, Password: password},
			{User: "lag-512", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: password},
			{User: "no-topics", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: password},
			{User: "no-groups", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: password},
		}
		altered, err := admin.AlterUserSCRAMs(ctx, nil, users)
		if err := errors.Join(err, altered.Error()); err != nil {
			return err
		}
		return errors.Join(
			allow(ctx, admin, describe(principals()...).Topics("*").Groups("*")),
			allow(ctx, admin, describe("User:no-topics").Groups("*")),
			allow(ctx, admin, describe("User:no-groups").Topics("*")),
		)
	})
}

func allow(ctx context.Context, admin *kadm.Client, acls *kadm.ACLBuilder) error {
	created, err := admin.CreateACLs(ctx, acls)
	for _, c := range created {
		err = errors.Join(err, c.Err)
	}
	return err
}

// describe begins ACLs by which the principals may Describe.
func describe(who ...string) *kadm.ACLBuilder {
	return kadm.NewACLs().Allow(who...).AllowHosts().Operations(kadm.OpDescribe).ResourcePatternType(kadm.ACLPatternLiteral)
}

// Explain says where to look after a failure.
func (s *stack) Explain() string { return "The logs of this run are in " + s.dir }

// Close ends everything. Logs stay.
func (s *stack) Close() error {
	if s.idp != nil {
		s.idp.Close()
	}
	var errs []error
	if s.kafka != nil {
		errs = append(errs, s.kafka.Close())
	}
	if s.kdc != nil && s.kdc.process != nil {
		errs = append(errs, s.kdc.process.Kill())
	}
	return errors.Join(errs...)
}
