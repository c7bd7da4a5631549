package exporter

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/flate"
)

// A response is one gzip member, since some clients stop reading after the first: the header and the deflated snapshot part,
// which are cached; the deflated rest of the response, which ends the stream; and a trailer for both. A deflate stream may be
// cut where it was flushed, as long as what follows does not refer back to before the cut.
//
// Each chunk is deflated on its own. A writer that looks back over all of them makes label sets that repeat little smaller, and weighs
// a megabyte, which would be made anew for each snapshot.

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
	checksum   checksum
}

func newDeflated() *deflated {
	d := &deflated{}
	d.compressed.Write(gzipHeader())
	return d
}

func (d *deflated) take(chunk []byte) {
	d.checksum = d.checksum.add(chunk)
	_ = flate.StatelessDeflate(&d.compressed, chunk, false, nil) // cannot fail: a bytes.Buffer does not
}

// flushed returns the gzip member so far, ready for more deflated blocks to follow.
func (d *deflated) flushed() []byte { return bytes.Clone(d.compressed.Bytes()) }

// finish returns what must follow a member's flushed part: the deflated rest of the text and the trailer. sum is the checksum of
// the flushed part.
func finish(rest []byte, sum checksum) []byte {
	var tail bytes.Buffer
	_ = flate.StatelessDeflate(&tail, rest, true, nil) // as in take

	sum = sum.add(rest)
	trailer := binary.LittleEndian.AppendUint32(nil, sum.crc)
	tail.Write(binary.LittleEndian.AppendUint32(trailer, sum.size))
	return tail.Bytes()
}
