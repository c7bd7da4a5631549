package kafka

import (
	"sync"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// commitRows lends room for commits to one collection after the other: nothing needs them for longer, and in a large cluster they are
// what there is most of. It may be used concurrently.
type commitRows struct {
	mu     sync.Mutex
	chunks [][]lag.Commit // mu; all of decodeArenaChunk rows
	lent   int            // mu; of chunks, the first ones
}

// reset takes back what was lent, and lets go of what was not needed this time.
func (c *commitRows) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.chunks[c.lent:])
	c.chunks, c.lent = c.chunks[:c.lent], 0
}

// chunk lends room with anything in it.
func (c *commitRows) chunk() []lag.Commit {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lent == len(c.chunks) {
		c.chunks = append(c.chunks, make([]lag.Commit, decodeArenaChunk))
	}
	c.lent++
	return c.chunks[c.lent-1]
}
