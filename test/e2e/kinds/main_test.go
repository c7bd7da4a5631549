// Package kinds holds the end-to-end tests of what lag is: every kind of group
// on real Kafka brokers, and what may happen to logs and brokers, each lag held
// against Kafka's own AdminClient. They need no Kubernetes.
package kinds

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/members"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

// startLimit bounds the start of it all, which takes 20 s on two idle cores.
const startLimit = 3 * time.Minute

// stack is what all tests of this package share: the tests create topics and
// groups of their own in it, named after them.
type stack struct {
	where    layout.Layout
	dir      string // logs and files of this run
	kafka    *kafka.Cluster
	oracle   *oracle.Oracle
	members  *members.Members
	exporter *exporter
}

// shared is set by TestMain before the tests run and not after.
var shared *stack

func TestMain(m *testing.M) {
	os.Exit(run(m)) //nolint:forbidigo // this is the main of the test's binary
}

// run starts the stack once for all tests, and stops it also when they are
// interrupted. If they panic or are killed, the kernel ends its processes.
func run(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := start(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
		return 1
	}
	shared = s
	code := make(chan int, 1)
	go func() { code <- m.Run() }()
	select {
	case c := <-code:
		if c != 0 {
			fmt.Fprintln(os.Stderr, "The logs of this run are in", s.dir)
		}
		err = s.close()
		if err == nil {
			return c
		}
	case <-ctx.Done():
		err = errors.Join(errors.New("interrupted"), s.close())
	}
	fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
	return 1
}

func start(ctx context.Context) (*stack, error) {
	where, err := layout.Find()
	if err != nil {
		return nil, err
	}
	dir, err := where.NewRun("kinds")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not within %v", startLimit))
	defer cancel()
	s := &stack{where: where, dir: dir}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%w\nThe logs of this run are in %s", err, dir), s.close())
	}
	return s, nil
}

func (s *stack) start(ctx context.Context) (err error) {
	s.kafka, err = kafka.Start(ctx, kafka.Config{
		Libs: s.where.KafkaLibs(), Dir: filepath.Join(s.dir, "kafka"), Properties: brokerProperties(),
	})
	if err != nil {
		return err
	}
	s.oracle, err = oracle.Start(ctx, oracle.Config{
		Libs: s.where.KafkaLibs(), Dir: filepath.Join(s.dir, "oracle"), Bootstrap: s.kafka.Bootstrap(),
	})
	if err != nil {
		return err
	}
	s.members, err = members.Start(s.membersConfig())
	if err != nil {
		return err
	}
	s.exporter, err = startExporter(ctx, s, "lag-exporter", s.kafka.Bootstrap())
	return err
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
	return members.Config{Libs: s.where.KafkaLibs(), Dir: filepath.Join(s.dir, "members"), Bootstrap: s.kafka.Bootstrap()}
}

func (s *stack) workload() workload.Kafka { return workload.Kafka{Bootstrap: s.kafka.Bootstrap()} }

// close ends everything. Logs stay.
func (s *stack) close() error {
	var errs []error
	if s.exporter != nil {
		errs = append(errs, s.exporter.stop())
	}
	if s.members != nil {
		errs = append(errs, s.members.Close())
	}
	if s.oracle != nil {
		errs = append(errs, s.oracle.Close())
	}
	if s.kafka != nil {
		errs = append(errs, s.kafka.Close())
	}
	return errors.Join(errs...)
}
