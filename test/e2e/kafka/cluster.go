// Package kafka runs real Apache Kafka brokers on loopback ports.
package kafka

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// log4j2 is the brokers' logging configuration.
//
//go:embed log4j2.xml
var log4j2 []byte

// Config says what cluster to run. Libs and Dir are needed.
type Config struct {
	Libs   string // folder of Kafka's jars
	Dir    string // data, configuration, logs
	Java   string // default: java of the PATH
	Nodes  int    // default: 3, each of them broker and controller
	Memory string // of each node's heap; default 256m

	// Listeners are those besides the plain-text one that every node has.
	Listeners []Listener
	// Properties are added to every node's, and take precedence.
	Properties map[string]string
	// JVM are further arguments of every node's Java, such as a login configuration.
	JVM []string
}

// Listener is a further way into every broker.
type Listener struct {
	Name       string            // such as SCRAM
	Protocol   string            // SSL, SASL_SSL, SASL_PLAINTEXT or PLAINTEXT
	Properties map[string]string // without the prefix listener.name.<name>.
	// Advertised are the addresses that clients of this listener are sent to, by node, such as proxies'; nil for the brokers' own.
	Advertised []string
}

// Cluster is a set of nodes with fixed ports and data: what was stopped starts
// again as it was.
type Cluster struct {
	cfg   Config
	id    string
	nodes []*Node
}

// stopGrace is for an orderly stop. Nodes that are controllers too wait for a
// quorum that is going away with them, so some are always killed.
const stopGrace = 5 * time.Second

// Start formats and starts a new cluster and waits until all its brokers are
// in it.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	if cfg.Nodes == 0 {
		cfg.Nodes = 3
	}
	if cfg.Java == "" {
		cfg.Java = "java"
	}
	if cfg.Memory == "" {
		cfg.Memory = "256m"
	}
	if jars, err := filepath.Glob(filepath.Join(cfg.Libs, "kafka_*.jar")); err != nil || len(jars) == 0 {
		return nil, fmt.Errorf("no Kafka in %s: run `make e2e`, which fetches it", cfg.Libs)
	}
	const tries = 3
	for try := 1; ; try++ {
		c, err := create(ctx, cfg)
		if err == nil {
			if err = c.Start(ctx); err == nil {
				return c, nil
			}
			err = errors.Join(err, c.Close())
		}
		if try == tries || !proc.PortTaken(err) {
			return nil, fmt.Errorf("starting Kafka: %w", err)
		}
	}
}

// create chooses ports, writes the configurations and formats the disks.
func create(ctx context.Context, cfg Config) (*Cluster, error) {
	c := &Cluster{cfg: cfg, id: newClusterID()}
	perNode := 2 + len(cfg.Listeners) // controller, plain text, and the further ones
	free, err := ports.Free(cfg.Nodes * perNode)
	if err != nil {
		return nil, err
	}
	for i := range cfg.Nodes {
		c.nodes = append(c.nodes, &Node{
			ID: i + 1, cluster: c, dir: filepath.Join(cfg.Dir, fmt.Sprintf("node-%d", i+1)),
			ports: free[i*perNode : (i+1)*perNode],
		})
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(c.loggingFile(), log4j2, 0o644); err != nil {
		return nil, err
	}
	var g errgroup.Group
	for _, n := range c.nodes {
		g.Go(func() error { return n.format(ctx) })
	}
	return c, g.Wait()
}

// Start starts the nodes that do not run and waits until every broker is in
// the cluster.
func (c *Cluster) Start(ctx context.Context) error {
	for _, n := range c.nodes {
		if err := n.start(); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range c.nodes {
		g.Go(func() error { return n.process.Ready(ctx, n.joined) })
	}
	return g.Wait()
}

// Stop ends all nodes; ports and data stay as they are.
func (c *Cluster) Stop() error {
	var g errgroup.Group
	for _, n := range c.nodes {
		g.Go(n.Stop)
	}
	return g.Wait()
}

// Close ends the cluster for good. Its data goes, its logs stay.
func (c *Cluster) Close() error {
	var errs []error
	for _, n := range c.nodes {
		errs = append(errs, n.Kill(), os.RemoveAll(n.data()))
	}
	return errors.Join(errs...)
}

// Nodes are the cluster's nodes, the one with ID 1 first.
func (c *Cluster) Nodes() []*Node { return c.nodes }

// Bootstrap is the comma-separated list of the brokers' plain-text addresses.
func (c *Cluster) Bootstrap() string { return c.bootstrap(plainPort) }

// BootstrapOf is the list of the addresses of one of the Config's Listeners.
func (c *Cluster) BootstrapOf(listener string) (string, error) {
	for i, l := range c.cfg.Listeners {
		if l.Name == listener {
			return c.bootstrap(firstFurtherPort + i), nil
		}
	}
	return "", fmt.Errorf("the cluster has no listener %s", listener)
}

func (c *Cluster) bootstrap(port int) string {
	addresses := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		addresses[i] = n.address(port)
	}
	return strings.Join(addresses, ",")
}

func (c *Cluster) loggingFile() string { return filepath.Join(c.cfg.Dir, "log4j2.xml") }

// joined tells whether this broker sees as many brokers as there are nodes.
func (n *Node) joined(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(n.Address()), kgo.DisableClientMetrics())
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // of one look
	defer cancel()
	seen, err := kadm.NewClient(client).BrokerMetadata(ctx)
	if err != nil {
		return fmt.Errorf("asking broker %d for its cluster: %w", n.ID, err)
	}
	if want := len(n.cluster.nodes); len(seen.Brokers) != want {
		return fmt.Errorf("broker %d sees %d brokers of %d", n.ID, len(seen.Brokers), want)
	}
	return nil
}
