// Package faults holds the catalogue of faults: what users see while brokers,
// groups, topics, replicas and networks fail, under load and on real parts, judged
// by a truth that shares no code with the product. docs/faults.md has the results.
package faults

import (
	"os"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// shared is set by TestMain before the tests run and not after.
var shared *world

func TestMain(m *testing.M) {
	os.Exit(suite.Run(m, "faults", &shared, start)) //nolint:forbidigo // this is the main of the test's binary
}
