package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// prometheus is the URL of the API of a Prometheus (Debian's package).
type prometheus string

// startPrometheus returns a Prometheus that scrapes each second, has the labels of a Strimzi cluster on its targets, and evaluates our
// rules. jobs are the /metrics to scrape, by the name of the job.
func startPrometheus(ctx context.Context, t *testing.T, jobs map[string][]string) prometheus {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("prometheus is missing: apt-get install prometheus")
	}
	dir := filepath.Join(shared.Dir, "prometheus")
	suite.Try(t, os.MkdirAll(dir, 0o755))
	var scrape strings.Builder
	for _, job := range slices.Sorted(maps.Keys(jobs)) {
		fmt.Fprintf(&scrape, "- job_name: %s\n  static_configs: [{targets: [%s], labels: {namespace: %s, strimzi_io_cluster: %s}}]\n",
			job, strings.ReplaceAll(strings.Join(jobs[job], ","), "http://", ""), kubernetesNamespace, strimziCluster)
	}
	config := filepath.Join(dir, "prometheus.yml")
	suite.Try(t, os.WriteFile(config, fmt.Appendf(nil, "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\nscrape_configs:\n%s",
		manifest(t, "prometheus/rules.yaml"), scrape.String()), 0o600))
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
	return prometheus("http://" + address)
}

// query returns the values of an instant query that are numbers, by their labels but for the name and the job.
func (p prometheus) query(ctx context.Context, query string) (map[string]float64, error) {
	var result []struct {
		Metric map[string]string `json:"metric"`
		Value  [2]any            `json:"value"`
	}
	if err := p.get(ctx, "/api/v1/query?query="+url.QueryEscape(query), &result); err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	values := map[string]float64{}
	for _, r := range result {
		delete(r.Metric, "job")
		delete(r.Metric, "__name__")
		text, ok := r.Value[1].(string)
		if !ok {
			return nil, fmt.Errorf("%s: the value is %v", query, r.Value[1])
		}
		if v, err := strconv.ParseFloat(text, 64); err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		} else if v == v { // NaN is what a quantile of nothing is
			values[fmt.Sprint(r.Metric)] = v
		}
	}
	return values, nil
}

// get asks the API, and fills in the data of the answer, or of a query its result.
func (p prometheus) get(ctx context.Context, path string, data any) error {
	_, body, err := fetch(ctx, string(p)+path)
	if err != nil {
		return err
	}
	var answer struct {
		Status string          `json:"status"`
		Error  string          `json:"error"`
		Data   json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Status != "success" {
		return fmt.Errorf("Prometheus answers %.500s: %w", body, err)
	}
	var vector struct {
		Result json.RawMessage `json:"result"`
	}
	if json.Unmarshal(answer.Data, &vector) == nil && vector.Result != nil {
		answer.Data = vector.Result
	}
	return json.Unmarshal(answer.Data, data)
}

// await waits until the query has values that are so.
func (p prometheus) await(ctx context.Context, t *testing.T, query string, so func(map[string]float64) error) {
	t.Helper()
	const limit = 30 * time.Second // of one query, so that the others are tried too
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not within %v", limit))
	defer cancel()
	err := await.Until(ctx, query, func(ctx context.Context) error {
		values, err := p.query(ctx, query)
		if err != nil {
			return err
		}
		return so(values)
	})
	if err != nil {
		t.Error(err)
	}
}

// some wants a query to have data.
func some(values map[string]float64) error {
	if len(values) == 0 {
		return errors.New("no data")
	}
	return nil
}

// is wants a query to have one value.
func is(want float64) func(map[string]float64) error {
	return func(values map[string]float64) error {
		for _, v := range values {
			if len(values) == 1 && v == want {
				return nil
			}
		}
		return fmt.Errorf("%v, want %v", values, want)
	}
}

// manifest is the path of a file of the manifests.
func manifest(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../manifests", name))
	suite.Try(t, err)
	return path
}
