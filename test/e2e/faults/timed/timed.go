// Package timed makes requests like those of the HPA controller, and says how
// long they take: in a process of its own, as the controller's is one, so that
// they do not wait for what else the test does.
package timed

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/flood"
)

// every is how often each way is asked.
const every = 100 * time.Millisecond

// patience is longer than the product allows a request.
const patience = 20 * time.Second

// Way is a way to a server, by one connection that stays, as the controller's and the API server's do.
type Way struct {
	Name      string // in the answers
	To        flood.Way
	Cert, Key []byte // of who asks, PEM
	Paths     []string
}

// Config says what is asked for, and for how long.
type Config struct {
	Ways  []Way
	Lasts time.Duration
}

// Answers say how long the requests took, by the way's name, and what was wrong with those that were not answered with 200.
type Answers struct {
	Took   map[string][]time.Duration
	Failed []string
}

// Run asks by all ways at the same time, by each for one path after the other.
func Run(cfg Config) (Answers, error) {
	answers := Answers{Took: map[string][]time.Duration{}}
	var mu sync.Mutex
	var ways sync.WaitGroup
	for _, w := range cfg.Ways {
		client, err := w.client()
		if err != nil {
			return Answers{}, err
		}
		ways.Go(func() {
			defer client.CloseIdleConnections()
			tick := time.NewTicker(every)
			defer tick.Stop()
			for began, i := time.Now(), 0; time.Since(began) < cfg.Lasts; i++ {
				took, err := w.get(client, w.Paths[i%len(w.Paths)])
				mu.Lock()
				if answers.Took[w.Name] = append(answers.Took[w.Name], took); err != nil {
					answers.Failed = append(answers.Failed, fmt.Sprintf("%s: %v", w.Name, err))
				}
				mu.Unlock()
				<-tick.C
			}
		})
	}
	ways.Wait()
	return answers, nil
}

func (w Way) client() (*http.Client, error) {
	pair, err := tls.X509KeyPair(w.Cert, w.Key)
	if err != nil {
		return nil, err
	}
	transport := w.To.Transport()
	transport.TLSClientConfig.Certificates = []tls.Certificate{pair}
	return &http.Client{Timeout: patience, Transport: transport}, nil
}

// get returns how long it took until the whole answer was there.
func (w Way) get(client *http.Client, path string) (time.Duration, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.To.URL+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return time.Since(began), err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	took := time.Since(began)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.500s", response.Status, body)
	}
	return took, err
}
