package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

const ages = "kafka_lag_adapter_value_age_seconds"

// TestAgeOfServedValues asks for several groups at random moments, by the API server, of an adapter with the intervals that it has by
// default, and tells how old the values were. How old they may be depends on what else the machine does, so that the goal of 1.2 s is
// reported and not asserted; docs/benchmarks.md has what came out.
func TestAgeOfServedValues(t *testing.T) {
	const groups, duration = 8, 30 * time.Second
	ctx := suite.Within(t, 4*time.Minute)
	suite.Try(t, shared.Adapter.Restart(ctx, "--poll-interval=5s", "--max-age=60s"))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		suite.Try(t, errors.Join(shared.Adapter.Restart(ctx, adapterArgs()...), await.Until(ctx, "the APIServices", available)))
	})
	paths := groupsToAskFor(ctx, t, groups)
	before := served(ctx, t)
	askAtRandom(ctx, t, paths, duration)
	after := served(ctx, t)
	count := func(bound float64) float64 {
		return after[series.Bucket(ages, bound)] - before[series.Bucket(ages, bound)]
	}
	total := after[series.Name(ages+"_count")] - before[series.Name(ages+"_count")]
	for _, bound := range []float64{.5, 1, 1.2, 1.5, 2, 5} {
		t.Logf("at most %.1f s old: %.2f %% of %.0f values", bound, 100*count(bound)/total, total)
	}
	if total < groups*duration.Seconds() || count(60) != total {
		t.Errorf("%.0f values were served, %.0f of them within max-age", total, count(60))
	}
}

// groupsToAskFor makes groups and returns the paths of their lags, once each has been asked for.
func groupsToAskFor(ctx context.Context, t *testing.T, n int) (paths []string) {
	t.Helper()
	applyExample(ctx, t)
	for i := range n {
		name := fmt.Sprintf("age-%d", i)
		suite.Try(t, shared.Workload().CreateTopic(ctx, name, 6))
		suite.Try(t, shared.Workload().Commit(ctx, name, name, map[int32]int64{0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0}))
		path := "/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/deployments.apps/consumer/kafka_consumergroup_lag?metricLabelSelector=" +
			url.QueryEscape("consumergroup="+name)
		paths = append(paths, path)
	}
	for _, path := range paths {
		suite.Try(t, await.Until(ctx, "a value at "+path, func(ctx context.Context) error { return ask(ctx, path) }))
	}
	return paths
}

// askAtRandom asks for each of the paths at moments that have nothing to do with polls.
func askAtRandom(ctx context.Context, t *testing.T, paths []string, duration time.Duration) {
	t.Helper()
	const mean = 250 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	var all sync.WaitGroup
	for _, path := range paths {
		all.Go(func() {
			for {
				pause := time.NewTimer(time.Duration(rand.ExpFloat64() * float64(mean)))
				select {
				case <-ctx.Done():
					return
				case <-pause.C:
				}
				if err := ask(ctx, path); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// ask asks the metrics API by the API server.
func ask(ctx context.Context, path string) error {
	return shared.ControlPlane.Client.CoreV1().RESTClient().Get().RequestURI(path).Do(ctx).Error()
}

func served(ctx context.Context, t *testing.T) series.Set {
	t.Helper()
	_, body, err := scrape(ctx, "/metrics")
	suite.Try(t, err)
	all, err := series.Parse(body)
	suite.Try(t, err)
	return all
}
