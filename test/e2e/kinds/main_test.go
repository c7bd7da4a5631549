// Package kinds holds the end-to-end tests of what lag is: every kind of group
// on real Kafka brokers, and what may happen to logs and brokers, each lag held
// against Kafka's own AdminClient. They need no Kubernetes.
package kinds

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/brokers"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/canary"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/members"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// stack is what all tests of this package share: the tests create topics and
// groups of their own in it, named after them.
type stack struct {
	*brokers.Brokers
	where    layout.Layout
	dir      string // logs and files of this run
	members  *members.Members
	exporter *exporter.Exporter
	guest    *exporter.Exporter // has a secret; for the search at the end
}

// shared is set by TestMain before the tests run and not after.
var shared *stack

func TestMain(m *testing.M) {
	os.Exit(suite.Run(m, "kinds", &shared, start)) //nolint:forbidigo // this is the main of the test's binary
}

func start(ctx context.Context, where layout.Layout, dir string) (*stack, error) {
	s := &stack{where: where, dir: dir}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *stack) start(ctx context.Context) (err error) {
	if s.Brokers, err = brokers.Start(ctx, s.where, s.dir, kafka.Config{Properties: brokerProperties(), Listeners: []kafka.Listener{listener()}}); err != nil {
		return err
	}
	if s.members, err = members.Start(s.membersConfig()); err != nil {
		return err
	}
	if s.exporter, err = startExporter(ctx, s.where, s.dir, "lag-exporter", s.Kafka.Bootstrap()); err != nil {
		return err
	}
	s.guest, err = s.startGuest(ctx)
	return err
}

// password is what the guest has. It may not be shown.
var password = canary.Text()

const byPassword = "PASSWORD" // a listener

func listener() kafka.Listener {
	const jaas = `org.apache.kafka.common.security.plain.PlainLoginModule required user_lag="%s";`
	return kafka.Listener{Name: byPassword, Protocol: "SASL_PLAINTEXT", Properties: map[string]string{
		"sasl.enabled.mechanisms": "PLAIN", "plain.sasl.jaas.config": fmt.Sprintf(jaas, password),
	}}
}

// startGuest starts an exporter that has a secret and says more than the others: it sees all that the tests do to groups and brokers.
func (s *stack) startGuest(ctx context.Context) (*exporter.Exporter, error) {
	bootstrap, err := s.Kafka.BootstrapOf(byPassword)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(s.dir, "password")
	if err := errors.Join(os.WriteFile(file, []byte(password), 0o600), canary.Note(s.dir, canary.Password, password)); err != nil {
		return nil, err
	}
	return exporter.Start(ctx, s.where, s.dir, "guest", "--brokers="+bootstrap, "--log-level=debug",
		"--kafka.sasl.mechanism=PLAIN", "--kafka.sasl.username=lag", "--kafka.sasl.password-file="+file)
}

// brokerProperties let happen within seconds what takes minutes by default.
func brokerProperties() map[string]string {
	p := map[string]string{
		"log.retention.check.interval.ms":                             "500",
		"log.initial.task.delay.ms":                                   "500",
		"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
		"broker.session.timeout.ms":                                   "120000", // a hung broker keeps what it leads
		"replica.lag.time.max.ms":                                     "3000",   // and the others go on without it
		"controller.socket.timeout.ms":                                "3000",   // also if it was the controller whom they have to tell
		"group.streams.initial.rebalance.delay.ms":                    "0",
	}
	for _, kind := range []string{"consumer", "share", "streams"} {
		p["group."+kind+".heartbeat.interval.ms"] = "500"
		p["group."+kind+".min.heartbeat.interval.ms"] = "500"
	}
	return p
}

func (s *stack) membersConfig() members.Config {
	return members.Config{Libs: s.where.KafkaLibs(), Dir: filepath.Join(s.dir, "members"), Bootstrap: s.Kafka.Bootstrap()}
}

// Explain says where to look after a failure.
func (s *stack) Explain() string { return "The logs of this run are in " + s.dir }

// Close ends everything. Logs stay.
func (s *stack) Close() error {
	var errs []error
	for _, e := range []*exporter.Exporter{s.exporter, s.guest} {
		if e != nil {
			errs = append(errs, e.Stop())
		}
	}
	if s.members != nil {
		errs = append(errs, s.members.Close())
	}
	if s.Brokers != nil {
		errs = append(errs, s.Brokers.Close())
	}
	return errors.Join(errs...)
}
