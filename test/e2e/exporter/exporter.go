// Package exporter runs the product's lag-exporter.
package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
)

// patience is longer than any answer takes, also on a busy machine: it ends a connection, and where a test leaves the exporter without file
// descriptors there is no other one to be had.
const patience = 30 * time.Second

// Exporter is a running lag-exporter.
type Exporter struct {
	url     string
	process *proc.Process
	client  *http.Client
}

// Start starts a lag-exporter with these arguments and waits until it is
// ready. Its log in dir has its name.
func Start(ctx context.Context, where layout.Layout, dir, name string, args ...string) (*Exporter, error) {
	return StartBy(ctx, where, dir, name, nil, args...)
}

// StartBy is Start by another command, such as prlimit, which becomes the
// exporter: its words come before the exporter's.
func StartBy(ctx context.Context, where layout.Layout, dir, name string, by []string, args ...string) (*Exporter, error) {
	words := append(append(slices.Clone(by), where.Product("lag-exporter")), args...)
	return StartProgram(ctx, proc.Spec{Name: name, Path: words[0], LogDir: dir, Args: words[1:]})
}

// StartProgram is Start for either program, which gets one argument more: where
// to serve /metrics.
func StartProgram(ctx context.Context, spec proc.Spec) (*Exporter, error) {
	port, err := ports.Free(1)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port[0])
	spec.Args = append(slices.Clone(spec.Args), "--web.listen-address="+address)
	p, err := proc.Start(spec)
	if err != nil {
		return nil, err
	}
	e := &Exporter{url: "http://" + address, process: p, client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxConnsPerHost: 1}}}
	err = p.Ready(ctx, func(ctx context.Context) error {
		_, err := e.get(ctx, "/readyz")
		return err
	})
	if err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	return e, nil
}

// Process is the exporter's, to be ended in other ways.
func (e *Exporter) Process() *proc.Process { return e.process }

// PID is the exporter's process id.
func (e *Exporter) PID() int { return e.process.PID() }

// Log is the path of the exporter's log.
func (e *Exporter) Log() string { return e.process.Log() }

// URL is where it serves /metrics.
func (e *Exporter) URL() string { return e.url }

// Scrape reads /metrics.
func (e *Exporter) Scrape(ctx context.Context) (series.Set, error) {
	body, err := e.get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	return series.Parse(body)
}

func (e *Exporter) get(ctx context.Context, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+path, nil)
	if err != nil {
		return "", err
	}
	response, err := e.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", path, response.Status, body)
	}
	return string(body), err
}

// Stop ends the exporter, which has to end in good order.
func (e *Exporter) Stop() error {
	const grace = 15 * time.Second // above what it allows itself
	if err := e.process.Stop(grace); err != nil {
		return err
	}
	if code, err := e.process.ExitCode(context.Background()); err != nil || code != 0 {
		return errors.Join(fmt.Errorf("%s: exit code %d", e.process.Name(), code), err)
	}
	return nil
}
