package exporter

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/flate"
)

// A response is one gzip member, since some clients stop reading after the first: the header and the deflated snapshot part,
// which are cached; the deflated rest of the response, which ends the stream; and a trailer for both. A deflate stream may be
// cut where it was flushed, as long as what follows does not refer back to before the cut.

// compressionLevel is the fastest: a higher one makes label sets that repeat little smaller, at several times the cost.
const compressionLevel = 1

// gzipHeader has no name, time or flags (RFC 1952); 255 is an unknown operating system.
func gzipHeader() []byte { return []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255} }

// checksum is what the trailer of a gzip member says about its text.
type checksum struct {
	crc  uint32
	size uint32 // modulo 2^32
}

func (c checksum) add(text []byte) checksum {
	return checksum{crc: crc32.Update(c.crc, crc32.IEEETable, text), size: c.size + uint32(len(text))}
}

// deflated is a sink that compresses the text as it comes, so that the text of a large cluster is never in memory as a whole.
type deflated struct {
	compressed bytes.Buffer
	writer     *flate.Writer
	checksum   checksum
}

func newDeflated() *deflated {
	d := &deflated{}
	d.compressed.Write(gzipHeader())
	d.writer = newDeflater(&d.compressed)
	return d
}

func (d *deflated) take(chunk []byte) {
	d.checksum = d.checksum.add(chunk)
	_, _ = d.writer.Write(chunk) // cannot fail: a bytes.Buffer does not
}

// flushed returns the gzip member so far, ready for more deflated blocks to follow.
func (d *deflated) flushed() []byte {
	_ = d.writer.Flush() // as in take
	return bytes.Clone(d.compressed.Bytes())
}

// finisher makes the end of gzip members. Its writers are reused: each weighs far more than what it compresses here.
type finisher struct{ writers sync.Pool }

// finish returns what must follow a member's flushed part: the deflated rest of the text and the trailer. sum is the checksum of
// the flushed part.
func (f *finisher) finish(rest []byte, sum checksum) []byte {
	var tail bytes.Buffer
	writer, ok := f.writers.Get().(*flate.Writer)
	if ok {
		writer.Reset(&tail)
	} else {
		writer = newDeflater(&tail)
	}
	_, _ = writer.Write(rest) // cannot fail: a bytes.Buffer does not
	_ = writer.Close()
	writer.Reset(nil)
	f.writers.Put(writer)

	sum = sum.add(rest)
	trailer := binary.LittleEndian.AppendUint32(nil, sum.crc)
	tail.Write(binary.LittleEndian.AppendUint32(trailer, sum.size))
	return tail.Bytes()
}

func newDeflater(to *bytes.Buffer) *flate.Writer {
	writer, err := flate.NewWriter(to, compressionLevel)
	if err != nil {
		panic(err) // the level is a constant that flate knows
	}
	return writer
}
