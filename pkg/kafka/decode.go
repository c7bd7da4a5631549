package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The large answers are decoded here rather than by kmsg, which allocates several times for each partition. What decodes them
// is in decode_*.go, one file for each kind of request; kmsg still encodes the requests.
//
// The client calls ReadFrom in the goroutine of the connection, even when whoever asked has given up meanwhile. So ReadFrom only
// keeps the bytes, which the client allocates for each answer, and decode, which uses what the caller shares with it, runs in
// the caller's goroutine.

var errMalformed = errors.New("malformed answer: is the address that of a Kafka broker, and is nothing in between that changes its answers?")

// decodeNames gives the one string that stands for a name everywhere, so that a name is not copied each time that it is read,
// and says whether what the name stands for is to be read at all. It must not keep the bytes.
type decodeNames func(name []byte) (canonical string, wanted bool)

// decodeAsked wants the names that were asked for. It is quickest if the answer has them in the same order.
func decodeAsked(names []string) decodeNames {
	next := 0
	var index map[string]string
	return func(name []byte) (string, bool) {
		if next < len(names) && names[next] == string(name) {
			next++
			return names[next-1], true
		}
		if index == nil {
			index = make(map[string]string, len(names))
			for _, n := range names {
				index[n] = n
			}
		}
		canonical, wanted := index[string(name)]
		return canonical, wanted
	}
}

// decodeCodes turns error codes into errors, the same error for the same code in a row: a broker that fails all its partitions
// fails them for one reason.
func decodeCodes(codeErr func(code int16) error) func(code int16) error {
	var last int16
	var lastErr error
	return func(code int16) error {
		if code != last {
			last, lastErr = code, codeErr(code)
		}
		return lastErr
	}
}

// decodeBody is the body of an answer that is not decoded yet.
type decodeBody struct{ body []byte }

// keep keeps the body and reads how long the broker wants us to wait, in ms, which leads in the versions that have it.
func (b *decodeBody) keep(body []byte, throttles bool) (throttleMillis int32, err error) {
	b.body = body
	if !throttles {
		return 0, nil
	}
	c := newDecodeCursor(body, false)
	throttleMillis = c.int32()
	return throttleMillis, c.err
}

// decodeArena hands out the parts of large arrays. They are not so large that one part in use keeps much else in memory.
type decodeArena[T any] struct {
	free []T
	// lend gives an array of decodeArenaChunk elements with anything in them, to whoever sets all of them. Nil makes new ones.
	lend func() []T
}

const decodeArenaChunk = 4096

// take returns n elements, of their zero value unless they are lent. No more than atMost, n included, will be asked for from now on.
func (a *decodeArena[T]) take(n, atMost int) []T {
	switch {
	case n <= len(a.free):
	case a.lend != nil && n <= decodeArenaChunk && atMost >= decodeArenaChunk:
		a.free = a.lend()
	default:
		a.free = make([]T, max(n, min(atMost, decodeArenaChunk)))
	}
	part := a.free[:n:n]
	a.free = a.free[n:]
	return part
}

// decodeCursor reads one value after the other. The first one that cannot be read sets err; from then on everything is zero and
// empty. A reader of arrays therefore needs to look at err only where it would loop, keep or allocate.
type decodeCursor struct {
	rest     []byte
	size     int  // of all that there was to read
	flexible bool // lengths are varints and structures end in tagged fields (KIP-482)
	err      error
}

func newDecodeCursor(src []byte, flexible bool) decodeCursor {
	return decodeCursor{rest: src, size: len(src), flexible: flexible}
}

// at is how many bytes were read.
func (c *decodeCursor) at() int { return c.size - len(c.rest) }

func (c *decodeCursor) fail(what string) {
	if c.err == nil {
		c.err = fmt.Errorf("%w (%s at byte %d of %d)", errMalformed, what, c.at(), c.size)
	}
	c.rest = nil
}

// finish returns the error, if there was one. Bytes that are left over are one too: the answer is not of the version that it
// was read as, and so nothing in it can be relied on.
func (c *decodeCursor) finish(request string, version int16) error {
	if c.err == nil && len(c.rest) > 0 {
		c.fail("more than the answer")
	}
	if c.err != nil {
		return fmt.Errorf("%s v%d: %w", request, version, c.err)
	}
	return nil
}

func (c *decodeCursor) span(n int) []byte {
	if n < 0 || n > len(c.rest) {
		c.fail("a length beyond the end")
		return nil
	}
	out := c.rest[:n]
	c.rest = c.rest[n:]
	return out
}

func (c *decodeCursor) int16() int16 {
	if b := c.span(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *decodeCursor) int32() int32 {
	if b := c.span(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (c *decodeCursor) int64() int64 {
	if b := c.span(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// uvarint reads up to 32 bits.
func (c *decodeCursor) uvarint() int {
	if len(c.rest) > 0 && c.rest[0] < 0x80 { // nearly always
		v := c.rest[0]
		c.rest = c.rest[1:]
		return int(v)
	}
	v, n := binary.Uvarint(c.rest[:min(len(c.rest), binary.MaxVarintLen32)])
	if n <= 0 || v > 1<<32-1 {
		c.fail("no varint")
		return 0
	}
	c.rest = c.rest[n:]
	return int(v)
}

// length reads the length of a string (of two bytes, unless flexible); -1 is null.
func (c *decodeCursor) length() int {
	if c.flexible {
		return c.uvarint() - 1
	}
	return int(c.int16())
}

// text reads a string that must not be null. The bytes are part of the input.
func (c *decodeCursor) text() []byte { return c.span(c.length()) }

// nullableText reads a string, nil if it is null.
func (c *decodeCursor) nullableText() []byte {
	n := c.length()
	if n == -1 || c.err != nil {
		return nil
	}
	return c.span(n)
}

// blob reads bytes. Null counts as empty, as some brokers send it where they should not.
func (c *decodeCursor) blob() []byte {
	var n int
	if c.flexible {
		n = c.uvarint() - 1
	} else {
		n = int(c.int32())
	}
	if n == -1 || c.err != nil {
		return nil
	}
	return c.span(n)
}

// array reads the length of an array whose elements have at least minSize bytes each, so that nobody allocates, or loops, for
// more elements than the input can hold. Null is as good as empty.
func (c *decodeCursor) array(minSize int) int {
	var n int
	if c.flexible {
		n = c.uvarint() - 1
	} else {
		n = int(c.int32())
	}
	switch {
	case n == -1 || c.err != nil:
		return 0
	case n < 0 || n > len(c.rest)/minSize:
		c.fail("an array beyond the end")
		return 0
	}
	return n
}

// tags skips the tagged fields, of which none matters to us.
func (c *decodeCursor) tags() {
	if !c.flexible {
		return
	}
	for n := c.uvarint(); n > 0 && c.err == nil; n-- {
		c.uvarint() // which tag
		c.span(c.uvarint())
	}
}
