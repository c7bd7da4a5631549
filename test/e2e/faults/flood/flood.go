// Package flood makes far more requests of the metrics API than anybody needs,
// and counts how they are answered.
package flood

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Way is a way to the metrics API.
type Way struct {
	Name       string
	URL        string
	ServerName string // of its certificate, where it is not the URL's
	CA         []byte // PEM
}

// Transport leads there.
func (w Way) Transport() *http.Transport {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.CA)
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: w.ServerName, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
}

// Client is somebody who asks.
type Client struct {
	Name  string // in the counts; several may have the same
	Way   Way
	Token string // empty: a stranger whom nobody can know
	Once  bool   // each request has a connection of its own
	Paths []Path // asked for in turn
}

// Path is what is asked for. An empty Query asks for the path as it is.
type Path struct {
	Name string // in the counts
	Path string
}

// Config says who asks, and how often all of them together. The rate is bounded: a flood is to show how the product shares what there is, not
// how slow a machine gets.
type Config struct {
	Clients   []Client
	PerSecond int
	Lasts     time.Duration
}

// Answers counts, for each kind of client and path, the answers by status, or by what went wrong where there was none.
type Answers map[string]map[string]int

// Run has all clients ask, each at its share of the rate, and at times of its own: clients that know nothing of each other do not all ask in
// the same moment.
func Run(cfg Config) (Answers, error) {
	ctx, cancel := context.WithTimeout(context.Background(), cfg.Lasts)
	defer cancel()
	all := &count{answers: Answers{}}
	period := time.Second * time.Duration(len(cfg.Clients)) / time.Duration(cfg.PerSecond)
	var clients sync.WaitGroup
	for i, c := range cfg.Clients {
		clients.Go(func() { c.ask(ctx, i, period, all) })
	}
	clients.Wait()
	return all.answers, nil
}

// patience is a client's. It is longer than the product allows a request.
const patience = 20 * time.Second

func (c Client) ask(ctx context.Context, number int, period time.Duration, all *count) {
	transport := c.Way.Transport()
	transport.DisableKeepAlives = c.Once
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	select {
	case <-ctx.Done():
		return
	case <-time.After(rand.N(period)):
	}
	tick := time.NewTicker(period)
	defer tick.Stop()
	for turn := number; ; turn++ { // not all ask for the same at once
		path := c.Paths[turn%len(c.Paths)]
		result := c.get(client, path.Path)
		all.add(fmt.Sprintf("%s, %s: %s", c.Name, c.Way.Name, path.Name), result)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// get is not ended with the flood: what was asked for is answered.
func (c Client) get(client *http.Client, path string) string {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, c.Way.URL+path, http.NoBody)
	if err != nil {
		return err.Error()
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	response, err := client.Do(request)
	if err != nil {
		return without(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err.Error()
	}
	return fmt.Sprint(response.StatusCode)
}

// without leaves out the URL, which may be a megabyte.
func without(err error) string {
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	return err.Error()
}

type count struct {
	mu      sync.Mutex
	answers Answers
}

func (c *count) add(what, result string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answers[what] == nil {
		c.answers[what] = map[string]int{}
	}
	c.answers[what][result]++
}
