package deploy

import (
	"os"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/netns"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// shared is the cluster of all tests of this package. It is set by TestMain before they run and not after.
var shared *Cluster

func TestMain(m *testing.M) {
	os.Exit(netns.Run(network(), func() int { //nolint:forbidigo // this is the main of the test's binary
		return suite.Run(m, "deploy", &shared, Start)
	}))
}
