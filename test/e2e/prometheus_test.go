package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestPrometheus lets a real Prometheus (Debian's package) scrape the adapter and asks it the queries of Grafana dashboard 7589:
// the lag is the AdminClient's.
func TestPrometheus(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	ordersLag(ctx, t, 42)
	api := startPrometheus(ctx, t)
	awaitQuery(ctx, t, api, `sum(kafka_consumergroup_lag{topic=~"orders"}) by (consumergroup, topic)`, "42")
	awaitQuery(ctx, t, api, `count(kafka_topic_partition_current_offset{topic="orders"})`, "12")
	awaitQuery(ctx, t, api, `sum(delta(kafka_consumergroup_current_offset{topic=~"orders"}[1m])) by (consumergroup, topic)`, "")
	awaitQuery(ctx, t, api, `sum(rate(kafka_topic_partition_current_offset{topic=~"orders"}[1m])) by (topic)`, "")
}

// startPrometheus returns the URL of the API of a Prometheus that scrapes the adapter each second.
func startPrometheus(ctx context.Context, t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("prometheus is missing: apt-get install prometheus")
	}
	dir := filepath.Join(shared.Dir, "prometheus")
	suite.Try(t, os.MkdirAll(dir, 0o755))
	config := filepath.Join(dir, "prometheus.yml")
	suite.Try(t, os.WriteFile(config, fmt.Appendf(nil, "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: kafka\n  static_configs: [{targets: [%q]}]\n",
		strings.TrimPrefix(shared.Adapter.WebURL, "http://")), 0o600))
	port, err := ports.Free(1)
	suite.Try(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", port[0])
	p, err := proc.Start(proc.Spec{Name: "prometheus", Path: path, LogDir: dir, Args: []string{
		"--config.file=" + config, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + address,
	}})
	suite.Try(t, err)
	t.Cleanup(func() { suite.Try(t, p.Stop(15*time.Second)) })
	suite.Try(t, p.Ready(ctx, func(ctx context.Context) error {
		status, body, err := fetch(ctx, "http://"+address+"/-/ready")
		if err == nil && status != 200 {
			err = fmt.Errorf("/-/ready answers %d %s", status, body)
		}
		return err
	}))
	return "http://" + address
}

// awaitQuery waits until the query has one series with the value, or with any if want is empty.
func awaitQuery(ctx context.Context, t *testing.T, api, query, want string) {
	t.Helper()
	suite.Try(t, await.Until(ctx, query, func(ctx context.Context) error {
		_, body, err := fetch(ctx, api+"/api/v1/query?query="+url.QueryEscape(query))
		if err != nil {
			return err
		}
		var answer struct {
			Data struct {
				Result []struct {
					Value [2]any `json:"value"`
				} `json:"result"`
			} `json:"data"`
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			return err
		}
		if len(answer.Data.Result) != 1 || want != "" && answer.Data.Result[0].Value[1] != want {
			return fmt.Errorf("%s", body)
		}
		return nil
	}))
}
