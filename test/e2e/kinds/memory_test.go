package kinds

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/cgroup"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestMemoryLimitOfTheContainer: the garbage collector keeps to what the kernel allows the program, without being told.
func TestMemoryLimitOfTheContainer(t *testing.T) {
	ctx := suite.Within(t, time.Minute)
	const limit = 64 << 20
	group, err := cgroup.NewMemory("lag-exporter", limit)
	suite.Try(t, err)
	t.Cleanup(func() { suite.Try(t, group.Close()) })
	e, err := exporter.StartBy(ctx, shared.where, shared.dir, "lag-exporter-memory", group.Enter(), "--brokers="+shared.Kafka.Bootstrap(), "--log-format=json")
	suite.Try(t, err)
	t.Cleanup(func() { suite.Try(t, e.Stop()) })
	suite.Try(t, await.Until(ctx, "the goal of the garbage collector to be within the limit", func(ctx context.Context) error {
		got, err := e.Scrape(ctx)
		if err != nil {
			return err
		}
		if goal := got[series.Name("go_gc_gomemlimit_bytes")]; goal < limit*0.89 || goal > limit*0.9 {
			return fmt.Errorf("it is %v bytes of %d", goal, limit)
		}
		return nil
	}))
}
