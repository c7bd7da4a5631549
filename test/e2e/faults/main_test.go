// Package faults holds the catalogue of faults: what users see while brokers,
// groups, topics, replicas and networks fail, under load and on real parts, judged
// by a truth that shares no code with the product. docs/faults.md has the results.
package faults

import (
	"fmt"
	"os"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/apart"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/flood"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/timed"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// shared is set by TestMain before the tests run and not after.
var shared *world

func TestMain(m *testing.M) {
	if ran, err := apart.Main(map[string]apart.Part{partFlood: apart.Of(flood.Run), partTimed: apart.Of(timed.Run)}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is the main of the part's process
	} else if ran {
		os.Exit(0) //nolint:forbidigo // as above
	}
	if len(chosen()) == 0 {
		fmt.Fprintln(os.Stderr, "none of the rows", os.Getenv("ROW"), "is made on real parts here")
		os.Exit(0) //nolint:forbidigo // as above
	}
	os.Exit(suite.Run(m, "faults", &shared, start)) //nolint:forbidigo // this is the main of the test's binary
}
