package fakekafka

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Cluster is a running fake. Its methods may be called concurrently.
type Cluster struct {
	shape    Shape
	metadata *metadata
	brokers  []*broker

	ctx    context.Context // ended by Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	offsets sync.RWMutex // held for reading while answers are written
	version int64

	mu       sync.Mutex
	faults   map[faultKey]Fault
	counts   map[kmsg.Key]Count
	record   bool
	recorded []Recorded
}

type broker struct {
	*prepared
	cluster  *Cluster
	node     int32
	listener net.Listener
}

// New encodes the answers and starts the brokers.
func New(shape Shape) (*Cluster, error) {
	shape = shape.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	c := &Cluster{shape: shape, ctx: ctx, cancel: cancel, faults: map[faultKey]Fault{}, counts: map[kmsg.Key]Count{}}
	var nodes []kmsg.MetadataResponseBroker
	for i := range shape.Brokers {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(fmt.Errorf("fake broker %d: %w", i+1, err), c.Close())
		}
		node := int32(i + 1)
		c.brokers = append(c.brokers, &broker{prepared: prepare(shape, node), cluster: c, node: node, listener: listener})
		address := listener.Addr().(*net.TCPAddr)
		nodes = append(nodes, kmsg.MetadataResponseBroker{NodeID: node, Host: "127.0.0.1", Port: int32(address.Port)})
	}
	c.metadata = prepareMetadata(shape, nodes)
	for _, b := range c.brokers {
		c.wg.Go(b.run)
	}
	return c, nil
}

// Close ends all connections and waits until nothing is left.
func (c *Cluster) Close() error {
	c.cancel()
	var errs []error
	for _, b := range c.brokers {
		errs = append(errs, b.listener.Close())
	}
	c.wg.Wait()
	return errors.Join(errs...)
}

// Addresses returns host:port of all brokers.
func (c *Cluster) Addresses() []string {
	var all []string
	for _, b := range c.brokers {
		all = append(all, b.listener.Addr().String())
	}
	return all
}

// Shape returns the cluster's shape, with its defaults.
func (c *Cluster) Shape() Shape { return c.shape }

// Version returns how often Advance was called.
func (c *Cluster) Version() int64 {
	c.offsets.RLock()
	defer c.offsets.RUnlock()
	return c.version
}

// Advance moves all offsets but the log starts. It waits for answers under way.
func (c *Cluster) Advance() {
	c.offsets.Lock()
	defer c.offsets.Unlock()
	c.version++
	for _, b := range c.brokers {
		b.advance(c.shape, c.version)
	}
}

func (b *broker) run() {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return // closed
		}
		b.cluster.wg.Go(func() { b.serve(conn) })
	}
}

// serve answers the requests of one connection in their order, as Kafka does.
func (b *broker) serve(conn net.Conn) {
	stop := context.AfterFunc(b.cluster.ctx, func() { _ = conn.Close() })
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
		case <-b.cluster.ctx.Done():
			return false
		}
	}
	switch {
	case fault.Close:
		return false
	case fault.Hang:
		_, _ = io.Copy(io.Discard, in) // until the other side has had enough
		return false
	}
	b.cluster.offsets.RLock()
	defer b.cluster.offsets.RUnlock()
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
