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

// Answers say how long the requests took, by the way's name, how much later than due they were made, and what was wrong with those that were
// not answered with 200.
type Answers struct {
	Took   map[string][]time.Duration
	Late   []time.Duration
	Failed []string
}

// Run asks by all ways at the same time.
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
			w.ask(client, cfg.Lasts, func(late, took time.Duration, err error) {
				mu.Lock()
				defer mu.Unlock()
				answers.Took[w.Name] = append(answers.Took[w.Name], took)
				answers.Late = append(answers.Late, late)
				if err != nil {
					answers.Failed = append(answers.Failed, fmt.Sprintf("%s: %v", w.Name, err))
				}
			})
		})
	}
	ways.Wait()
	return answers, nil
}

// ask asks for one path after the other, for each when it is due, whether or not those before have been answered. Asking for one only after
// the other would leave out the requests that were due while one takes long: just those that wait. The time is taken from when a request is
// made: that this process has to wait for a CPU before is not the server's, and told by itself.
func (w Way) ask(client *http.Client, lasts time.Duration, tell func(late, took time.Duration, err error)) {
	var asked sync.WaitGroup
	began := time.Now()
	for i := 0; time.Duration(i)*every < lasts; i++ {
		due := began.Add(time.Duration(i) * every)
		<-time.After(time.Until(due))
		asked.Go(func() {
			made := time.Now()
			err := w.get(client, w.Paths[i%len(w.Paths)])
			tell(made.Sub(due), time.Since(made), err)
		})
	}
	asked.Wait()
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

// get returns when the whole answer is there.
func (w Way) get(client *http.Client, path string) error {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.To.URL+path, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.500s", response.Status, body)
	}
	return err
}
