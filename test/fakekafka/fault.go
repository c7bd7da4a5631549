package fakekafka

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Fault is what goes wrong with answers.
type Fault struct {
	// Delay is how long each answer takes.
	Delay time.Duration
	// Hang gives no answer at all, and nothing more on that connection.
	Hang bool
	// Close closes the connection in place of an answer, Reset cuts it off.
	Close, Reset bool
	// Throttle is the throttle time that answers tell, in milliseconds.
	Throttle int32
	// Corrupt changes an answer as it would be sent: 4 bytes of length, 4 of correlation id, the rest. The slice is its own to keep. It
	// runs concurrently with itself.
	Corrupt func(answer []byte) []byte
}

// Count is how much was asked and answered.
type Count struct{ Requests, BytesIn, BytesOut int64 }

// Recorded is a request as it came.
type Recorded struct {
	Node    int32
	Key     kmsg.Key
	Version int16
	Body    []byte // after the header
}

type faultKey struct {
	node int32
	key  kmsg.Key
}

// Fault sets what goes wrong with a broker's answers to requests of one kind from now on. The zero Fault is none.
func (c *Cluster) Fault(node int32, key kmsg.Key, fault Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults[faultKey{node, key}] = fault
}

// Heal removes all faults. What hangs goes on hanging.
func (c *Cluster) Heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.faults)
}

// Counts returns what was asked and answered since the last call, by kind of request.
func (c *Cluster) Counts() map[kmsg.Key]Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := c.counts
	c.counts = map[kmsg.Key]Count{}
	return counts
}

// Record begins to keep all requests, in the order in which they came.
func (c *Cluster) Record() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record, c.recorded = true, nil
}

// Recorded returns the requests since Record, and keeps no more.
func (c *Cluster) Recorded() []Recorded {
	c.mu.Lock()
	defer c.mu.Unlock()
	recorded := c.recorded
	c.record, c.recorded = false, nil
	return recorded
}

// note counts a request and says what goes wrong with it.
func (c *Cluster) note(node int32, r *request) Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := c.counts[r.key]
	count.Requests++
	count.BytesIn += int64(len(r.raw)) + 4
	c.counts[r.key] = count
	if c.record {
		c.recorded = append(c.recorded, Recorded{Node: node, Key: r.key, Version: r.version, Body: r.body})
	}
	return c.faults[faultKey{node, r.key}]
}

func (c *Cluster) noteAnswer(key kmsg.Key, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := c.counts[key]
	count.BytesOut += int64(bytes)
	c.counts[key] = count
}
