package fakekafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
)

const host = "127.0.0.1"

// Change gives the cluster another shape, with as many brokers: groups and topics come and go, or leaders move. It waits for answers under
// way.
func (c *Cluster) Change(shape Shape) {
	c.content.Lock()
	defer c.content.Unlock()
	shape.Brokers = len(c.brokers)
	c.shape = shape.withDefaults()
	c.prepare()
}

// prepare encodes the answers. c.content is held, or nobody else knows of c.
func (c *Cluster) prepare() {
	c.metadata = prepareMetadata(c.shape)
	for _, b := range c.brokers {
		b.prepared = prepare(c.shape, b.node)
		b.advance(c.shape, c.version)
	}
}

// Stop closes a broker's port and ends its connections. It remains a part of the cluster. A second Stop does nothing.
func (c *Cluster) Stop(node int32) error {
	b := c.brokers[node-1]
	if b.listener == nil {
		return nil
	}
	b.cancel()
	err := b.listener.Close()
	b.listener = nil
	b.wg.Wait()
	return err
}

// Start starts a broker that is stopped, at the address, or at a new one if that is empty.
func (c *Cluster) Start(node int32, address string) error {
	b := c.brokers[node-1]
	listener, err := c.listen("tcp", cmp.Or(address, host+":0"))
	if err != nil {
		return fmt.Errorf("fake broker %d: %w", node, err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return errors.Join(fmt.Errorf("fake broker %d: %w", node, err), listener.Close())
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		return errors.Join(fmt.Errorf("fake broker %d: %w", node, err), listener.Close())
	}
	c.content.Lock()
	c.nodes[node-1].Port = int32(number)
	c.content.Unlock()
	b.listener = listener
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.wg.Go(func() { b.run(listener) })
	return nil
}
