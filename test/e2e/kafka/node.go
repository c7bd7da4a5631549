package kafka

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// Node is one broker and controller.
type Node struct {
	ID      int
	cluster *Cluster
	dir     string
	ports   []int // by the constants below
	process *proc.Process
}

// What a node's ports are for.
const (
	controllerPort = iota
	plainPort
	firstFurtherPort // of the Config's Listeners, in their order
)

// Address is where the broker listens in plain text.
func (n *Node) Address() string { return n.address(plainPort) }

// Process is the node's, nil before its start; the one since the last start.
// To hang the broker, Pause it.
func (n *Node) Process() *proc.Process { return n.process }

// Start starts the node, unless it runs, and waits until it sees all others.
func (n *Node) Start(ctx context.Context) error {
	if err := n.start(); err != nil {
		return err
	}
	return n.process.Ready(ctx, n.joined)
}

// Stop ends the node, in good order where that does not take long.
func (n *Node) Stop() error {
	if n.process == nil {
		return nil
	}
	return n.process.Stop(stopGrace)
}

// Kill ends the node as a crash would.
func (n *Node) Kill() error {
	if n.process == nil {
		return nil
	}
	return n.process.Kill()
}

func (n *Node) start() error {
	if n.running() {
		return nil
	}
	cfg := n.cluster.cfg
	args := append([]string{
		"-Xmx" + cfg.Memory, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", // quick to start, small
		"-Dlog4j2.configurationFile=" + n.cluster.loggingFile(),
	}, cfg.JVM...)
	p, err := proc.Start(proc.Spec{
		Name: fmt.Sprintf("kafka-%d", n.ID), LogDir: cfg.Dir, Path: cfg.Java,
		Args: append(args, "-cp", n.classpath(), "kafka.Kafka", n.propertiesFile()),
	})
	if err != nil {
		return err
	}
	n.process = p
	return nil
}

func (n *Node) running() bool {
	if n.process == nil {
		return false
	}
	select {
	case <-n.process.Exited():
		return false
	default:
		return true
	}
}

// format writes the node's configuration and prepares its disk.
func (n *Node) format(ctx context.Context) error {
	if err := os.RemoveAll(n.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(n.propertiesFile(), []byte(n.properties()), 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, n.cluster.cfg.Java, "-XX:TieredStopAtLevel=1", "-cp", n.classpath(),
		"kafka.tools.StorageTool", "format", "-t", n.cluster.id, "-c", n.propertiesFile())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("formatting the disk of Kafka node %d: %w\n%s", n.ID, err, out)
	}
	return nil
}

// properties is the node's configuration in Java's format.
func (n *Node) properties() string {
	cfg := n.cluster.cfg
	listeners, advertised, protocols, further := n.listeners()
	var voters []string
	for _, v := range n.cluster.nodes {
		voters = append(voters, fmt.Sprintf("%d@%s", v.ID, v.address(controllerPort)))
	}
	replicas := strconv.Itoa(min(3, cfg.Nodes))
	inSync := strconv.Itoa(min(2, cfg.Nodes))
	p := map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        strconv.Itoa(n.ID),
		"controller.quorum.voters":       strings.Join(voters, ","),
		"controller.listener.names":      "CONTROLLER",
		"listeners":                      strings.Join(append(listeners, "CONTROLLER://"+n.address(controllerPort)), ","),
		"advertised.listeners":           strings.Join(advertised, ","),
		"listener.security.protocol.map": strings.Join(protocols, ","),
		"inter.broker.listener.name":     "PLAINTEXT",
		"log.dirs":                       n.data(),

		"auto.create.topics.enable":                        "false",
		"group.coordinator.rebalance.protocols":            "classic,consumer,share,streams",
		"group.initial.rebalance.delay.ms":                 "0",
		"offsets.topic.replication.factor":                 replicas,
		"offsets.topic.num.partitions":                     "6",
		"transaction.state.log.replication.factor":         replicas,
		"transaction.state.log.min.isr":                    inSync,
		"transaction.state.log.num.partitions":             "3",
		"share.coordinator.state.topic.replication.factor": replicas,
		"share.coordinator.state.topic.min.isr":            inSync,
		"share.coordinator.state.topic.num.partitions":     "3",
		"log.cleaner.dedupe.buffer.size":                   "2097152", // the default is half a small heap
	}
	maps.Copy(p, further)
	maps.Copy(p, cfg.Properties)
	var text strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&text, "%s=%s\n", k, strings.ReplaceAll(p[k], "\n", "\\n"))
	}
	return text.String()
}

// listeners are where the node listens, where it sends clients, by which protocols, and the properties of the further listeners.
func (n *Node) listeners() (own, advertised, protocols []string, further map[string]string) {
	own, further = []string{"PLAINTEXT://" + n.address(plainPort)}, map[string]string{}
	advertised, protocols = slices.Clone(own), []string{"CONTROLLER:PLAINTEXT", "PLAINTEXT:PLAINTEXT"}
	for i, l := range n.cluster.cfg.Listeners {
		address := n.address(firstFurtherPort + i)
		own = append(own, l.Name+"://"+address)
		if l.Advertised != nil {
			address = l.Advertised[n.ID-1]
		}
		advertised = append(advertised, l.Name+"://"+address)
		protocols = append(protocols, l.Name+":"+l.Protocol)
		for k, v := range l.Properties {
			further["listener.name."+strings.ToLower(l.Name)+"."+k] = v
		}
	}
	return own, advertised, protocols, further
}

func (n *Node) address(port int) string { return fmt.Sprintf("127.0.0.1:%d", n.ports[port]) }
func (n *Node) propertiesFile() string  { return filepath.Join(n.dir, "node.properties") }
func (n *Node) data() string            { return filepath.Join(n.dir, "data") }
func (n *Node) classpath() string       { return filepath.Join(n.cluster.cfg.Libs, "*") }

// newClusterID is a random id in the form that Kafka's StorageTool gives:
// 16 bytes in URL-safe base64.
func newClusterID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id)                                      // never fails
	return "A" + base64.RawURLEncoding.EncodeToString(id)[1:] // a leading dash would read as an option
}
