package exporter

import (
	"bytes"
	"slices"
	"sync"
	"time"
	"weak"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// variant is one of the ways in which a scrape can be answered.
type variant struct {
	format format
	gzip   bool
}

// exposition is the snapshot part of a response. It never changes.
type exposition struct {
	chunks     [][]byte
	checksum   checksum  // of the text, for the trailer of gzip
	validUntil time.Time // when the first value in it gets too old; zero if none does
}

func (x *exposition) valid(now time.Time) bool {
	return x.validUntil.IsZero() || !now.After(x.validUntil)
}

// cache holds the expositions of the latest snapshots.
type cache struct {
	source   Source
	dialects []dialect
	maxAge   time.Duration
	labelled bool // samples have the label cluster, also if there is one only
	now      func() time.Time

	mu sync.Mutex // held while encoding, so that scrapes at the same time encode once
	// of are the snapshots that were encoded. The pointers are weak: between two scrapes of a large cluster, a snapshot that
	// the collector has replaced must be free to go.
	of          []weak.Pointer[lag.Snapshot]
	expositions map[variant]*exposition
}

// get returns the exposition of the snapshots as they are now.
func (c *cache) get(v variant) *exposition {
	c.mu.Lock()
	defer c.mu.Unlock()
	snapshots := c.source.Snapshots()
	if !slices.EqualFunc(c.of, snapshots, func(w weak.Pointer[lag.Snapshot], s *lag.Snapshot) bool { return w == weak.Make(s) }) {
		c.of = c.of[:0]
		for _, s := range snapshots {
			c.of = append(c.of, weak.Make(s))
		}
		clear(c.expositions)
	}
	now := c.now() // after the wait for the lock
	if x := c.expositions[v]; x != nil && x.valid(now) {
		return x
	}
	x := c.encode(v, snapshots, now)
	c.expositions[v] = x
	return x
}

func (c *cache) encode(v variant, snapshots []*lag.Snapshot, now time.Time) *exposition {
	if v.gzip {
		out := newDeflated()
		validUntil := encode(c.dialects, snapshots, v.format, now, c.maxAge, c.labelled, out)
		return &exposition{chunks: [][]byte{out.flushed()}, checksum: out.checksum, validUntil: validUntil}
	}
	out := &plain{}
	validUntil := encode(c.dialects, snapshots, v.format, now, c.maxAge, c.labelled, out)
	return &exposition{chunks: out.chunks, validUntil: validUntil}
}

// plain is a sink that keeps the text as it is.
type plain struct{ chunks [][]byte }

func (p *plain) take(chunk []byte) { p.chunks = append(p.chunks, bytes.Clone(chunk)) }
