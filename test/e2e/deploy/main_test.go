package deploy

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/netns"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// shared is the cluster of all tests of this package. It is set by TestMain before they run and not after.
var shared *Cluster

func TestMain(m *testing.M) {
	os.Exit(netns.Run(network(), func() int { //nolint:forbidigo // this is the main of the test's binary
		return suite.Run(m, "deploy", &shared, start)
	}))
}

func start(ctx context.Context, where layout.Layout, dir string) (*Cluster, error) {
	c, err := Start(ctx, where, dir)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.MkdirAll(c.Helm.Home, 0o755), makeLag(ctx, c.Workload())); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}
