// Package prometheus runs a real Prometheus, Debian's package.
package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// Prometheus is a running Prometheus.
type Prometheus struct {
	url     string
	process *proc.Process
}

// Start starts a Prometheus with this configuration and waits until it is ready. Its files are in dir.
func Start(ctx context.Context, dir, config string) (*Prometheus, error) {
	path, err := exec.LookPath("prometheus")
	if err != nil {
		return nil, fmt.Errorf("prometheus is missing (apt-get install prometheus): %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	port, err := ports.Free(1)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port[0])
	process, err := proc.Start(proc.Spec{Name: "prometheus", Path: path, LogDir: dir, Args: []string{
		"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + address,
	}})
	if err != nil {
		return nil, err
	}
	p := &Prometheus{url: "http://" + address, process: process}
	err = process.Ready(ctx, func(ctx context.Context) error {
		_, err := p.get(ctx, "/-/ready")
		return err
	})
	if err != nil {
		return nil, errors.Join(err, process.Kill())
	}
	return p, nil
}

// Query returns the values of an instant query by the label given.
func (p *Prometheus) Query(ctx context.Context, query, by string) (map[string]string, error) {
	body, err := p.get(ctx, "/api/v1/query?query="+url.QueryEscape(query))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string `json:"metric"`
				Value  [2]any            `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("prometheus: %s: %w", body, err)
	}
	values := map[string]string{}
	for _, r := range answer.Data.Result {
		values[r.Metric[by]] = fmt.Sprint(r.Value[1])
	}
	return values, nil
}

func (p *Prometheus) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("prometheus: %s answers %s: %s", path, response.Status, body)
	}
	return body, err
}

// Stop ends it.
func (p *Prometheus) Stop() error { return p.process.Stop(15 * time.Second) }
