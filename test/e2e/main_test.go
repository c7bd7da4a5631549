// Package e2e holds the end-to-end tests: real Kafka brokers, a real control
// plane, the product's own binaries and manifests. `make e2e` builds all that they
// need and runs them.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// shared is the stack of all tests of this package. It is set by TestMain
// before they run and not after.
var shared *stack.Stack

func TestMain(m *testing.M) {
	os.Exit(suite.Run(m, "test", &shared, start)) //nolint:forbidigo // this is the main of the test's binary
}

func start(ctx context.Context, where layout.Layout, dir string) (*stack.Stack, error) {
	s, err := stack.Start(ctx, where, dir)
	if err != nil {
		return nil, err
	}
	if err := s.Deploy(ctx, adapterArgs()...); err != nil {
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, s.Explain()), s.Close())
	}
	return s, nil
}
