package e2e

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

// TestPromRules has promtool check the rules and run their unit tests.
func TestPromRules(t *testing.T) {
	for _, args := range [][]string{
		{"check", "rules", manifest(t, "prometheus/rules.yaml")},
		{"test", "rules", manifest(t, "prometheus/rules_test.yaml")},
	} {
		if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestPromQueries lets a real Prometheus scrape two replicas of the adapter while there is load on Kafka and the metrics API is
// asked. Every query of our dashboards and rules, and of those that others made for kafka_exporter, has data; and of ours, the same
// with two replicas as with one.
func TestPromQueries(t *testing.T) {
	ctx := suite.Within(t, 4*time.Minute)
	second, err := shared.Adapter.Replica(ctx, "second", adapterArgs()...)
	suite.Try(t, err)
	t.Cleanup(func() { suite.Try(t, second.Process().Stop(15*time.Second)) })
	first := shared.Adapter.WebURL
	prepareLoad(ctx, t, first, second.WebURL)
	api := startPrometheus(ctx, t, map[string][]string{"one": {first}, "two": {first, second.WebURL}, "several": {startSeveral(ctx, t).URL()}})
	stop := startLoad(ctx, t, api)

	instance := strings.TrimPrefix(first, "http://")
	for _, file := range []string{"dashboard-7589.txt", "kafka-exporter.txt", "strimzi.txt"} {
		t.Run(file, func(t *testing.T) {
			for _, query := range listed(t, file) {
				api.await(ctx, t, fill(query, "one", instance), some)
			}
		})
	}
	api.await(ctx, t, fill(`sum(kafka_consumergroup_lag{instance="$instance",topic=~"looks-backlog",job="$job"}) by (consumergroup, topic)`, "one", instance), is(1500))
	lag, own := readDashboard(t, "lag.json"), readDashboard(t, "lag-adapter.json")
	for name, d := range map[string]dashboard{"lag.json": lag, "lag-adapter.json": own} {
		t.Run(name, func(t *testing.T) { dashboardHasData(ctx, t, api, d, "two", name != "lag.json") })
	}
	t.Run("several clusters", func(t *testing.T) {
		dashboardHasData(ctx, t, api, lag, "several", true)
		api.await(ctx, t, `count(consumergroup:kafka_consumergroup_lag:sum{job="several", consumergroup="looks-backlog"} == 1500)`, is(2))
	})
	t.Run("rules.yaml", func(t *testing.T) { rulesHaveData(ctx, t, api) })
	stop()
	t.Run("two replicas", func(t *testing.T) { countOnce(ctx, t, api, lag) })
}

// startSeveral starts a lag-exporter that collects two clusters, which are the one that there is.
func startSeveral(ctx context.Context, t *testing.T) *exporter.Exporter {
	t.Helper()
	where, err := layout.Find()
	suite.Try(t, err)
	brokers := shared.Kafka.Bootstrap()
	config := filepath.Join(t.TempDir(), "config.yaml")
	suite.Try(t, os.WriteFile(config, fmt.Appendf(nil, "clusters: [{name: eu, brokers: [%s]}, {name: us, brokers: [%s]}]\n", brokers, brokers), 0o600))
	e, err := exporter.Start(ctx, where, shared.Dir, "lag-exporter-several", "--config="+config, "--poll-interval="+pollInterval.String())
	suite.Try(t, err)
	t.Cleanup(func() { suite.Try(t, e.Stop()) })
	return e
}

// dashboardHasData wants data for every panel, for each series that it reads, and for the variables: but for the cluster, of which
// the series of groups and topics have no label as long as there is one.
func dashboardHasData(ctx context.Context, t *testing.T, api prometheus, d dashboard, job string, clusters bool) {
	t.Helper()
	for _, query := range d.queries() {
		query = fill(query, job, ".*")
		api.await(ctx, t, query, some)
		for _, series := range selectors(query) {
			api.await(ctx, t, series, some)
		}
	}
	for name, v := range d.variables(t) {
		values, err := api.labelValues(ctx, fill(v[0], job, ".*"), v[1])
		if want := clusters || name != "cluster"; err != nil || (len(values) > 0) != want {
			t.Errorf("variable %s has the values %v, %v; wanted: %v", name, values, err, want)
		}
	}
}

// rulesHaveData wants every recorded series, and every series that an alert looks at. The alerts that the load is made for are raised.
func rulesHaveData(ctx context.Context, t *testing.T, api prometheus) {
	t.Helper()
	for _, r := range readRules(t) {
		if r.Record != "" {
			api.await(ctx, t, r.Record, some)
		}
		for _, series := range selectors(r.Expr) {
			api.await(ctx, t, series, some)
		}
	}
	api.await(ctx, t, `count(ALERTS{alertname="KafkaConsumerGroupStuck", consumergroup="looks-stuck", topic="looks-busy", job="two"})`, is(1))
	api.await(ctx, t, `count(ALERTS{alertname="KafkaConsumerGroupRecordsLost", alertstate="firing", consumergroup="looks-lost", job="two"})`, is(1))
	api.await(ctx, t, `count(ALERTS{alertname=~"KafkaLag.*", alertstate="firing"}) or vector(0)`, is(0))
}

// countOnce compares what is shown of one replica with what is shown of two. It looks at the groups of the load: of what other tests did,
// such as to create a topic anew, the second replica may know less, as it was not there. Which ones of many are the first 15 is left out.
func countOnce(ctx context.Context, t *testing.T, api prometheus, lag dashboard) {
	t.Helper()
	queries := lag.queries()
	for _, r := range readRules(t) {
		if r.Record != "" {
			queries = append(queries, r.Record+`{job=~"$job", consumergroup=~"$group|", topic=~"$topic|"}`)
		}
	}
	first := regexp.MustCompile(`^(?:top|bottom)k\(\d+, (.*)\)$`)
	ours := strings.NewReplacer("$group", "looks-.*", "$topic", "looks-.*")
	for _, query := range queries {
		query = ours.Replace(first.ReplaceAllString(query, "$1"))
		api.await(ctx, t, fill(query, "two", ".*"), func(two map[string]float64) error {
			one, err := api.query(ctx, fill(query, "one", ".*"))
			if err != nil {
				return err
			}
			return alike(one, two, strings.Contains(query, "time()"))
		})
	}
	// That they could double is seen from what would.
	naive := `sum(kafka_consumergroup_lag{job="two", consumergroup=~"looks-.*"}) / sum(kafka_consumergroup_lag{job="one", consumergroup=~"looks-.*"})`
	api.await(ctx, t, naive, is(2))
}

// alike says whether two answers have the same series, with values that differ by no more than when they were scraped does.
func alike(one, two map[string]float64, ages bool) error {
	if len(one) != len(two) {
		return fmt.Errorf("%d series of one replica, %d of two", len(one), len(two))
	}
	for series, a := range one {
		b, ok := two[series]
		tolerance := 0.2 * math.Max(a, b)
		if ages {
			tolerance += 5 // seconds
		}
		if !ok || math.Abs(a-b) > tolerance {
			return fmt.Errorf("%s: %v of one replica, %v of two (%v)", series, a, b, ok)
		}
	}
	return nil
}

// prepareLoad makes what startLoad goes on with, before anything is scraped: of what one replica is seen to come upon and the other is not, the
// rates differ.
func prepareLoad(ctx context.Context, t *testing.T, replicas ...string) {
	t.Helper()
	kafka := shared.Workload()
	for topic, partitions := range map[string]int32{"looks-busy": 6, "looks-backlog": 1, "looks-lost": 1} {
		suite.Try(t, kafka.CreateTopic(ctx, topic, partitions))
	}
	suite.Try(t, kafka.Produce(ctx, "looks-lost", 100))
	suite.Try(t, kafka.Commit(ctx, "looks-lost", "looks-lost", map[int32]int64{0: 10}))
	suite.Try(t, kafka.Produce(ctx, "looks-busy", 60)) // so that there is lag from the first time on that the group is seen
	suite.Try(t, kafka.Commit(ctx, "looks-stuck", "looks-busy", map[int32]int64{0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0}))
	suite.Try(t, kafka.Produce(ctx, "looks-backlog", 1500))
	suite.Try(t, kafka.Commit(ctx, "looks-backlog", "looks-backlog", map[int32]int64{0: 0}))
	for _, url := range replicas {
		suite.Try(t, await.Until(ctx, url+" to know the backlog", func(ctx context.Context) error {
			_, body, err := fetch(ctx, url+"/metrics")
			if want := `kafka_consumergroup_lag_sum{consumergroup="looks-backlog",topic="looks-backlog"} 1500`; err == nil && !strings.Contains(body, want) {
				err = fmt.Errorf("%s is not shown", want)
			}
			return err
		}))
	}
}

// startLoad lets records be written, and has groups that consume them, that are stuck, that are far behind and that lost some; and
// asks the metrics API. The function that it returns ends what goes on.
func startLoad(ctx context.Context, t *testing.T, api prometheus) (stop func()) {
	t.Helper()
	kafka := shared.Workload()
	loseRecords(ctx, t, api, kafka)

	// Both replicas see where the group begins, or what they see it consume differs.
	suite.Try(t, kafka.Commit(ctx, "looks-busy", "looks-busy", map[int32]int64{0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0}))
	api.await(ctx, t, `count(kafka_consumergroup_current_offset{consumergroup="looks-busy", job="two"})`, is(12))
	consumer, err := kafka.Join("looks-busy", "looks-busy")
	suite.Try(t, err)
	loading, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	every := func(what string, interval time.Duration, do func() error) {
		all.Go(func() {
			for tick := time.NewTicker(interval); ; {
				select {
				case <-loading.Done():
					return
				case <-tick.C:
				}
				if err := do(); err != nil && loading.Err() == nil {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
	every("consume", time.Millisecond, func() error { return consumer.Consume(loading, 10) })
	every("produce", 250*time.Millisecond, func() error { return kafka.Produce(loading, "looks-busy", 30) })
	path := "/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/metrics/kafka_consumergroup_lag?metricLabelSelector=" + url.QueryEscape("consumergroup=looks-busy")
	suite.Try(t, await.Until(ctx, "the lag of looks-busy", func(ctx context.Context) error { return ask(ctx, path) }))
	every("ask", 250*time.Millisecond, func() error { return ask(loading, path) })
	stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
		consumer.Close()
	})
	t.Cleanup(stop)
	return stop
}

// loseRecords deletes records that a group has not read, once Prometheus has seen that it lost none so far.
func loseRecords(ctx context.Context, t *testing.T, api prometheus, kafka workload.Kafka) {
	t.Helper()
	const name = "looks-lost"
	api.await(ctx, t, `sum(kafka_consumergroup_lost_records_total{consumergroup="looks-lost", job="two"})`, is(0))
	suite.Try(t, kafka.Admin(func(admin *kadm.Client) error {
		var from kadm.Offsets
		from.AddOffset(name, 0, 50, -1)
		_, err := admin.DeleteRecords(ctx, from)
		return err
	}))
}
