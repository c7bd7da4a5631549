// Package flood makes far more requests of the metrics API than anybody needs,
// in a process of its own that takes what time of the CPU others leave, and
// counts how they are answered.
package flood

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// Way is a way to the metrics API.
type Way struct {
	Name       string
	URL        string
	ServerName string // of its certificate, where it is not the URL's
	CA         []byte // PEM
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

// environment holds the path of the configuration in the process that floods.
const environment = "LAG_E2E_FLOOD"

// Requested says whether this process was started to flood, which it then does before it exits.
func Requested() (run func() error, ok bool) {
	path, ok := os.LookupEnv(environment)
	return func() error { return fromFile(path) }, ok
}

func fromFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var cfg Config
	if err := json.Unmarshal(text, &cfg); err != nil {
		return err
	}
	text, err = json.Marshal(run(cfg))
	return errors.Join(err, os.WriteFile(answersOf(path), text, 0o600))
}

func answersOf(config string) string { return config + ".answers" }

// Run floods, by a process with the lowest priority. Files of it are in dir.
func Run(ctx context.Context, cfg Config, dir string) (Answers, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "flood.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p, err := proc.Start(proc.Spec{Name: "flood", Path: "nice", Args: []string{"-n", "19", program}, Env: []string{environment + "=" + path}, LogDir: dir})
	if err != nil {
		return nil, err
	}
	code, err := p.ExitCode(ctx)
	if err != nil || code != 0 {
		return nil, errors.Join(err, fmt.Errorf("the flood ended with code %d; see %s", code, p.Log()), p.Kill())
	}
	text, err = os.ReadFile(answersOf(path))
	if err != nil {
		return nil, err
	}
	answers := Answers{}
	return answers, json.Unmarshal(text, &answers)
}

// run has all clients ask, each at its share of the rate.
func run(cfg Config) Answers {
	ctx, cancel := context.WithTimeout(context.Background(), cfg.Lasts)
	defer cancel()
	all := &count{answers: Answers{}}
	period := time.Second * time.Duration(len(cfg.Clients)) / time.Duration(cfg.PerSecond)
	var clients sync.WaitGroup
	for i, c := range cfg.Clients {
		clients.Go(func() { c.ask(ctx, i, period, all) })
	}
	clients.Wait()
	return all.answers
}

// patience is a client's. It is longer than the product allows a request.
const patience = 20 * time.Second

func (c Client) ask(ctx context.Context, number int, period time.Duration, all *count) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.Way.CA)
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: c.Way.ServerName, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, DisableKeepAlives: c.Once,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
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
