// Package watch looks at everything that the product shows, ten times a second,
// and hands it to a check.Log.
package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
)

// interval is how often each thing is looked at, where Targets do not say.
const interval = 100 * time.Millisecond

// Subject is an object of the metrics API, and the group whose lag it is asked for.
type Subject struct {
	Kind  string // as load.Kinds
	Group string
}

// Targets are what is looked at.
type Targets struct {
	// Metrics are the base URLs of those that serve /metrics and /readyz; Ready says of further ones whether they are ready.
	Metrics map[string]string
	Ready   map[string]func(context.Context) error
	// Interval is how often each thing is looked at, where it is not ten times a second.
	Interval time.Duration
	// Client has all rights. Without one, only the metrics are looked at.
	Client    kubernetes.Interface
	Namespace string
	Metric    string
	Subjects  []Subject
	// Transport, where set, is used for /metrics.
	Transport http.RoundTripper
	// API, where set, is used for the metrics API in place of Client.
	API kubernetes.Interface
	// Direct are servers of the metrics API that are asked without the API server between, by source.
	Direct map[string]kubernetes.Interface
}

// Watch is a running watch.
type Watch struct {
	targets Targets
	log     *check.Log
	http    *http.Client
	pods    *pods
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex
	errs []error
}

// Start begins to look.
func Start(targets Targets) *Watch {
	if targets.API == nil {
		targets.API = targets.Client
	}
	targets.Interval = cmp.Or(targets.Interval, interval)
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watch{
		targets: targets, log: check.NewLog(), cancel: cancel,
		http: &http.Client{Timeout: 5 * time.Second, Transport: targets.Transport}, // of one look
		pods: &pods{client: targets.Client, namespace: targets.Namespace, seen: map[string]time.Time{}},
	}
	for source, url := range targets.Metrics {
		w.every(ctx, func(ctx context.Context) { w.scrape(ctx, source, url) })
		w.every(ctx, func(ctx context.Context) { w.probe(ctx, source+" readyz", w.get(url+"/readyz")) })
	}
	for source, ready := range targets.Ready {
		w.every(ctx, func(ctx context.Context) { w.probe(ctx, source+" readyz", ready) })
	}
	byKind := map[string][]Subject{}
	for _, s := range targets.Subjects {
		byKind[s.Kind] = append(byKind[s.Kind], s)
	}
	for _, subjects := range byKind {
		w.askInTurn(ctx, "", targets.API, subjects)
		for source, client := range targets.Direct {
			w.askInTurn(ctx, source+" ", client, subjects)
		}
	}
	if targets.Client != nil {
		w.every(ctx, w.autoscalers)
		w.every(ctx, w.discovery())
	}
	return w
}

// askInTurn asks one server of the metrics API for one subject after the other.
func (w *Watch) askInTurn(ctx context.Context, source string, client kubernetes.Interface, subjects []Subject) {
	turn := 0
	w.every(ctx, func(ctx context.Context) {
		turn++
		w.ask(ctx, source, client, subjects[turn%len(subjects)])
	})
}

// Stop ends the watch and returns what it saw. Its error is about the watch itself, or about what could not be understood.
func (w *Watch) Stop() (*check.Log, error) {
	w.cancel()
	w.running.Wait()
	w.http.CloseIdleConnections()
	return w.log, errors.Join(w.errs...)
}

func (w *Watch) every(ctx context.Context, look func(context.Context)) {
	w.running.Go(func() {
		tick := time.NewTicker(w.targets.Interval)
		defer tick.Stop()
		for {
			look(ctx)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

const mostErrors = 10 // the rest would tell nothing new

func (w *Watch) failed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.errs) < mostErrors {
		w.errs = append(w.errs, err)
	}
}

func (w *Watch) scrape(ctx context.Context, source, url string) {
	body, err := w.fetch(ctx, url+"/metrics")
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		w.log.Probed(source, time.Now(), err)
		return
	}
	if err := w.log.Exposition(source, time.Now(), body); err != nil {
		w.failed(fmt.Errorf("%s: %w", source, err))
	}
}

func (w *Watch) get(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := w.fetch(ctx, url)
		return err
	}
}

func (w *Watch) probe(ctx context.Context, source string, probe func(context.Context) error) {
	err := probe(ctx)
	if ctx.Err() == nil {
		w.log.Probed(source, time.Now(), err)
	}
}

func (w *Watch) fetch(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept-Encoding", "identity") // to be read ten times a second: compression is half of the work, on both sides
	response, err := w.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %.200s", url, response.Status, body)
	}
	return body, err
}
