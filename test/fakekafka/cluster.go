package fakekafka

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Cluster is a running fake. Its methods may be called concurrently, but not Start and Stop of one broker.
type Cluster struct {
	brokers     []*broker
	listen      func(network, address string) (net.Listener, error)
	connections atomic.Int64

	content  sync.RWMutex // held for reading while answers are written; what follows, and what is prepared for the brokers, is content
	shape    Shape
	version  int64
	metadata *metadata
	nodes    []kmsg.MetadataResponseBroker

	mu       sync.Mutex
	faults   map[faultKey]Fault
	counts   map[kmsg.Key]Count
	record   bool
	recorded []Recorded
}

type broker struct {
	*prepared
	cluster *Cluster
	node    int32

	listener net.Listener
	ctx      context.Context //nolint:containedctx // ended by Stop
	cancel   context.CancelFunc
	wg       sync.WaitGroup
}

// New encodes the answers and starts the brokers.
func New(shape Shape) (*Cluster, error) { return newCluster(shape, net.Listen, anyPort) }

// NewInMemory is New on a network in memory, on which the brokers have the ports 1, 2 and so on. With testing/synctest, no time passes
// while anything is at work.
func NewInMemory(shape Shape, network *kfake.VirtualNetwork) (*Cluster, error) {
	return newCluster(shape, network.Listen, func(node int32) string { return fmt.Sprintf("%s:%d", host, node) })
}

func anyPort(int32) string { return "" }

// newCluster listens at the address of each broker, or at a free port where that is empty.
func newCluster(shape Shape, listen func(network, address string) (net.Listener, error), address func(node int32) string) (*Cluster, error) {
	shape = shape.withDefaults()
	c := &Cluster{shape: shape, listen: listen, faults: map[faultKey]Fault{}, counts: map[kmsg.Key]Count{}}
	for i := range shape.Brokers {
		node := int32(i + 1)
		c.brokers = append(c.brokers, &broker{cluster: c, node: node})
		c.nodes = append(c.nodes, kmsg.MetadataResponseBroker{NodeID: node, Host: host})
	}
	c.prepare()
	for _, b := range c.brokers {
		if err := c.Start(b.node, address(b.node)); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// Close ends all connections and waits until nothing is left.
func (c *Cluster) Close() error {
	var errs []error
	for _, b := range c.brokers {
		errs = append(errs, c.Stop(b.node))
	}
	return errors.Join(errs...)
}

// Addresses returns host:port of all brokers.
func (c *Cluster) Addresses() []string {
	c.content.RLock()
	defer c.content.RUnlock()
	var all []string
	for _, n := range c.nodes {
		all = append(all, net.JoinHostPort(n.Host, strconv.Itoa(int(n.Port))))
	}
	return all
}

// Connections returns how many connections stand.
func (c *Cluster) Connections() int { return int(c.connections.Load()) }

// Shape returns the cluster's shape, with its defaults.
func (c *Cluster) Shape() Shape {
	c.content.RLock()
	defer c.content.RUnlock()
	return c.shape
}

// Version returns how often Advance was called.
func (c *Cluster) Version() int64 {
	c.content.RLock()
	defer c.content.RUnlock()
	return c.version
}

// Advance moves all offsets but the log starts. It waits for answers under way.
func (c *Cluster) Advance() {
	c.content.Lock()
	defer c.content.Unlock()
	c.version++
	for _, b := range c.brokers {
		b.advance(c.shape, c.version)
	}
}

func (b *broker) run(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // no file descriptor is left, so that the connection stays in line
			select {
			case <-time.After(time.Millisecond):
				continue
			case <-b.ctx.Done():
				return
			}
		}
		b.cluster.connections.Add(1)
		b.wg.Go(func() {
			defer b.cluster.connections.Add(-1)
			b.serve(conn)
		})
	}
}

// serve answers the requests of one connection in their order, as Kafka does.
func (b *broker) serve(conn net.Conn) {
	stop := context.AfterFunc(b.ctx, func() { _ = conn.Close() })
	defer func() {
		stop()
		_ = conn.Close()
	}()
	in := bufio.NewReaderSize(conn, 64<<10)
	for {
		req, err := readRequest(in)
		if err != nil {
			return // gone, or not speaking Kafka's protocol
		}
		if !b.respond(conn, in, req) {
			return
		}
	}
}

// respond answers one request and says whether the connection goes on.
func (b *broker) respond(conn net.Conn, in io.Reader, req *request) bool {
	fault := b.cluster.note(b.node, req)
	if fault.Delay > 0 {
		timer := time.NewTimer(fault.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-b.ctx.Done():
			return false
		}
	}
	switch {
	case fault.Close:
		return false
	case fault.Reset:
		_ = conn.(*net.TCPConn).SetLinger(0)
		return false
	case fault.Hang:
		_, _ = io.Copy(io.Discard, in) // until the other side has had enough
		return false
	}
	b.cluster.content.RLock()
	defer b.cluster.content.RUnlock()
	out := b.answer(req.parsed, fault.Throttle)
	if out == nil {
		return false
	}
	parts := out.parts()
	header := req.answerHeader(sizeOf(parts))
	buffers := net.Buffers(slices.Insert(parts, 0, header))
	if fault.Corrupt != nil {
		buffers = net.Buffers{fault.Corrupt(slices.Concat(buffers...))}
	}
	b.cluster.noteAnswer(req.key, sizeOf(buffers)) // first: whoever has the answer may count at once
	_, err := buffers.WriteTo(conn)
	return err == nil
}

// parts returns the encoded body.
func (b *body) parts() [][]byte {
	if b.tail == nil {
		return [][]byte{b.head}
	}
	parts := make([][]byte, 0, len(b.chunks)+2)
	parts = append(parts, kbin.AppendCompactArrayLen(slices.Clip(b.head), b.items))
	parts = append(parts, b.chunks...)
	return append(parts, b.tail)
}

func sizeOf(parts [][]byte) (size int) {
	for _, p := range parts {
		size += len(p)
	}
	return size
}
