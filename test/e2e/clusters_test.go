package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

// The group that both clusters have, and the one that only the first one has.
const (
	common    = "clusters-common"
	firstOnly = "clusters-first-only"
)

// TestClusters has one adapter collect from two Kafkas, of which one comes, hangs and goes by reloads of every kind, while an HPA's questions
// about the other go on: none of them fails, and none is answered with an older value.
func TestClusters(t *testing.T) {
	ctx := suite.Within(t, 6*time.Minute)
	second := startSecond(ctx, t)
	newGroup(ctx, t, common, 2)
	newGroup(ctx, t, firstOnly, 2)
	suite.Try(t, shared.Workload().Produce(ctx, common, 4))
	suite.Try(t, shared.Workload().Produce(ctx, firstOnly, 3))
	applyExample(ctx, t)
	one, both := clusterSettings(map[string]string{"first": shared.Kafka.Bootstrap()}),
		clusterSettings(map[string]string{"first": shared.Kafka.Bootstrap(), "second": second.Bootstrap()})
	file := mountConfig(t, one)
	suite.Try(t, shared.Adapter.RestartOnFile(ctx, file.path(), append(adapterArgs(), "--web.enable-lifecycle")...))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		suite.Try(t, errors.Join(shared.Adapter.Restart(ctx, adapterArgs()...), await.Until(ctx, "the APIServices", available)))
	})
	awaitMetric(ctx, t, lagAt(common, "cluster=first"), 4)
	awaitMetric(ctx, t, lagAt(firstOnly, ""), 3)
	hpas := []func() int{askOnAndOn(ctx, t, lagAt(common, "cluster=first"), 4), askOnAndOn(ctx, t, lagAt(firstOnly, ""), 3)}

	file.update(both) // the kubelet's way, noticed by looking at the file
	awaitMetric(ctx, t, lagAt(common, "cluster=second"), 9)
	awaitMetric(ctx, t, lagAt(common, ""), 13)
	awaitSeries(ctx, t, lagSeries("first", 4), lagSeries("second", 9), "kafka_lag_config_last_reload_successful 1")

	hangSecond(ctx, t, second)

	file.update(one)
	suite.Try(t, shared.Adapter.Process().Signal(syscall.SIGHUP))
	awaitGone(ctx, t)

	file.update(both + "max-gruops: 1\n")
	if code, body := postReload(ctx, t); code != http.StatusInternalServerError || !strings.Contains(body, `max-groups`) {
		t.Errorf("a mistake is answered with %d %s", code, body)
	}
	awaitSeries(ctx, t, "kafka_lag_config_last_reload_successful 0")
	file.update(both)
	if code, body := postReload(ctx, t); code != http.StatusOK {
		t.Errorf("%d %s", code, body)
	}
	awaitMetric(ctx, t, lagAt(common, "cluster=second"), 9)
	file.update(both + "- {name: wrong, brokers: ['127.0.0.1:1']}\n")
	awaitSeries(ctx, t, `kafka_lag_collector_cluster_up{cluster="wrong"} 0`, lagSeries("first", 4), lagSeries("second", 9))
	awaitMetric(ctx, t, lagAt(common, ""), 13)
	for _, end := range hpas {
		if asked := end(); asked < 50 {
			t.Errorf("only %d questions were asked all the time", asked)
		}
	}
}

// startSecond starts another Kafka, with a lag of 9.
func startSecond(ctx context.Context, t *testing.T) *kafka.Cluster {
	t.Helper()
	where, err := layout.Find()
	suite.Try(t, err)
	second, err := kafka.Start(ctx, kafka.Config{Libs: where.KafkaLibs(), Dir: filepath.Join(shared.Dir, "kafka-second"), Nodes: 1})
	suite.Try(t, err)
	t.Cleanup(func() { suite.Try(t, second.Close()) })
	client := workload.Kafka{Bootstrap: second.Bootstrap()}
	suite.Try(t, client.CreateTopic(ctx, common, 2))
	suite.Try(t, client.Commit(ctx, common, common, map[int32]int64{0: 0, 1: 0}))
	suite.Try(t, client.Produce(ctx, common, 9))
	return second
}

// hangSecond hangs the second Kafka until what it has is unknown, shows that the first one is none the worse, and resumes it.
func hangSecond(ctx context.Context, t *testing.T, second *kafka.Cluster) {
	t.Helper()
	node := second.Nodes()[0].Process()
	suite.Try(t, node.Pause())
	defer func() { suite.Try(t, node.Resume()) }()
	client := shared.ControlPlane.Client.CoreV1().RESTClient()
	suite.Try(t, await.Until(ctx, "the second cluster to be unknown", func(ctx context.Context) error {
		code, body := raw(ctx, client, "/apis/custom.metrics.k8s.io/"+lagAt(common, "cluster=second"))
		if code != http.StatusServiceUnavailable || !strings.Contains(body, "not known") {
			return fmt.Errorf("%d %s", code, body)
		}
		return nil
	}))
	hung := time.Now()
	suite.Try(t, await.Until(ctx, "a later value of the first one", func(ctx context.Context) error {
		answer, err := rawMetric(ctx, lagAt(common, "cluster=first"))
		if err != nil {
			return err
		}
		if at := answer.Items[0].Timestamp.Time; !at.After(hung) {
			return fmt.Errorf("it is of %s, the other one hangs since before %s", at, hung)
		}
		return nil
	}))
	awaitMetric(ctx, t, lagAt(firstOnly, ""), 3) // whichever clusters there are, it was never on the second one
	if code, body := raw(ctx, client, "/apis/custom.metrics.k8s.io/"+lagAt(common, "")); code != http.StatusServiceUnavailable || !strings.Contains(body, `on cluster \"second\"`) {
		t.Errorf("the sum over both, of which one is unknown: %d %s", code, body)
	}
	awaitSeries(ctx, t, lagSeries("first", 4), `kafka_lag_collector_cluster_up{cluster="second"} 0`, `kafka_lag_collector_cluster_up{cluster="first"} 1`)
	suite.Try(t, node.Resume())
	awaitMetric(ctx, t, lagAt(common, "cluster=second"), 9)
}

// lagAt is the path of a group's lag, as an HPA asks for it.
func lagAt(group, more string) string {
	return "v1beta2/namespaces/default/deployments.apps/consumer/kafka_consumergroup_lag?" + selecting(strings.Trim("consumergroup="+group+","+more, ","))
}

func lagSeries(cluster string, lag int) string {
	return fmt.Sprintf("kafka_consumergroup_lag_sum{cluster=%q,consumergroup=%q,topic=%q} %d\n", cluster, common, common, lag)
}

func awaitSeries(ctx context.Context, t *testing.T, series ...string) {
	t.Helper()
	suite.Try(t, await.Until(ctx, series[0], func(ctx context.Context) error {
		_, body, err := scrape(ctx, "/metrics")
		if err != nil {
			return err
		}
		return containsAll(body, series)
	}))
}

// awaitGone waits until the second cluster is nowhere.
func awaitGone(ctx context.Context, t *testing.T) {
	t.Helper()
	suite.Try(t, await.Until(ctx, "the end of the second cluster", func(ctx context.Context) error {
		_, body, err := scrape(ctx, "/metrics")
		if err != nil || strings.Contains(body, `"second"`) {
			return fmt.Errorf("it has series still (%w)", err)
		}
		code, answer := raw(ctx, shared.ControlPlane.Client.CoreV1().RESTClient(), "/apis/custom.metrics.k8s.io/"+lagAt(common, "cluster=second"))
		if code != http.StatusNotFound {
			return fmt.Errorf("%d %s", code, answer)
		}
		return nil
	}))
	awaitSeries(ctx, t, strings.Replace(lagSeries("", 4), `cluster="",`, "", 1)) // one cluster needs no label
}

func postReload(ctx context.Context, t *testing.T) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, shared.Adapter.WebURL+"/-/reload", http.NoBody)
	suite.Try(t, err)
	code, body, err := do(request)
	suite.Try(t, err)
	return code, body
}

// askOnAndOn asks by the API server for a value, over and over, until end is called, which returns how often it was answered. No answer may
// fail, or be of an earlier moment than one before.
func askOnAndOn(ctx context.Context, t *testing.T, path string, want int64) (end func() int) {
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	answers := 0
	client := shared.ControlPlane.Client.CoreV1().RESTClient()
	asking.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		var latest time.Time
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			code, body := raw(ctx, client, "/apis/custom.metrics.k8s.io/"+path)
			if ctx.Err() != nil {
				return
			}
			var answer metricValues
			err := json.Unmarshal([]byte(body), &answer)
			if err != nil || len(answer.Items) != 1 || answer.Items[0].Value.Value() != want || answer.Items[0].Timestamp.Time.Before(latest) {
				t.Errorf("%s, after %d answers until %s: %d %s", path, answers, latest, code, body)
				return
			}
			latest = answer.Items[0].Timestamp.Time
			answers++
		}
	})
	end = sync.OnceValue(func() int { cancel(); asking.Wait(); return answers })
	t.Cleanup(func() { end() })
	return end
}

// mounted is a folder that looks like the volume of a ConfigMap: config.yaml is a link to ..data/config.yaml, and ..data one to a folder
// that an update replaces.
type mounted struct {
	t   *testing.T
	dir string
	n   int
}

func mountConfig(t *testing.T, text string) *mounted {
	t.Helper()
	m := &mounted{t: t, dir: t.TempDir()}
	m.update(text)
	suite.Try(t, os.Symlink("..data/config.yaml", m.path()))
	return m
}

func (m *mounted) path() string { return filepath.Join(m.dir, "config.yaml") }

func (m *mounted) update(text string) {
	m.t.Helper()
	m.n++
	fresh, data := fmt.Sprintf("..v%d", m.n), filepath.Join(m.dir, "..data")
	suite.Try(m.t, errors.Join(
		os.Mkdir(filepath.Join(m.dir, fresh), 0o700),
		os.WriteFile(filepath.Join(m.dir, fresh, "config.yaml"), []byte(text), 0o600),
		os.Symlink(fresh, data+"_tmp"),
		os.Rename(data+"_tmp", data),
	))
}

// clusterSettings is a configuration of clusters, by name.
func clusterSettings(brokers map[string]string) string {
	text := "log-format: json\nclusters:\n" // as the manifests have it
	for name, list := range brokers {
		text += fmt.Sprintf("- {name: %s, brokers: ['%s']}\n", name, strings.ReplaceAll(list, ",", "', '"))
	}
	return text
}
