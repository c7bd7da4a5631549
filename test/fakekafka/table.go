package fakekafka

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// table holds the encoded items of one kind of answer, such as the groups of OffsetFetch, one after the other.
type table struct {
	bytes []byte
	spans map[string]span
	// row describes the items' rows, if they have such as move; each item then ends with its rows and tail further bytes.
	row  rowFormat
	tail int
}

// span is where an item stands in its table.
type span struct {
	from, to int
	index    int   // of the group or topic in the shape
	rows     []int // the partitions, in the order of the rows
}

// rowFormat describes the encoded rows of partitions. All of them have the same length, and begin with the partition's number.
type rowFormat struct{ size, offset int }

func newTable() *table { return &table{spans: map[string]span{}} }

// add appends the item that is the only one of the response.
func (t *table) add(name string, index int, resp kmsg.Response, rows []int) {
	from := len(t.bytes)
	t.bytes = append(t.bytes, onlyItem(resp)...)
	t.spans[name] = span{from: from, to: len(t.bytes), index: index, rows: rows}
}

// firstRow returns where the rows of an item begin.
func (t *table) firstRow(s span) int { return s.to - t.tail - len(s.rows)*t.row.size }

// patch writes the offsets of all rows anew.
func (t *table) patch(offset func(index, partition int) int64) {
	for _, s := range t.spans {
		at := t.firstRow(s) + t.row.offset
		for _, partition := range s.rows {
			binary.BigEndian.PutUint64(t.bytes[at:], uint64(offset(s.index, partition)))
			at += t.row.size
		}
	}
}

// body is the body of a response: one array of items between a head and a tail. Its chunks are parts of tables, and so must be written
// before these change.
type body struct {
	head   []byte
	items  int
	chunks [][]byte
	tail   []byte

	last  *table // of the last chunk,
	until int    // which ends there
}

// newBody begins a body, of which resp has all but the items.
func newBody(resp kmsg.Response) *body {
	empty := resp.AppendTo(nil)
	at := len(empty) - tailOf(resp) - 1 // the length of an empty array is one byte
	return &body{head: empty[:at], tail: empty[at+1:]}
}

// take adds an item of a table. Items that stand side by side become one chunk.
func (b *body) take(t *table, s span) {
	b.items++
	if b.last == t && b.until == s.from {
		chunk := &b.chunks[len(b.chunks)-1]
		*chunk = t.bytes[s.to-len(*chunk)-(s.to-s.from) : s.to]
	} else {
		b.chunks = append(b.chunks, t.bytes[s.from:s.to])
	}
	b.last, b.until = t, s.to
}

// add adds an item that no table has: the only one of the response.
func (b *body) add(resp kmsg.Response) { b.addBytes(onlyItem(resp)) }

func (b *body) addBytes(item []byte) {
	b.items++
	b.chunks = append(b.chunks, item)
	b.last = nil
}

// onlyItem cuts the one item out of an encoded response.
func onlyItem(resp kmsg.Response) []byte {
	whole := resp.AppendTo(nil)
	return whole[headOf(resp)+1 : len(whole)-tailOf(resp)]
}

// headOf returns how many bytes stand before the array of items, in responses of one item. Those of Metadata have no brokers.
func headOf(resp kmsg.Response) int {
	const throttle = 4
	switch resp.(type) {
	case *kmsg.ListGroupsResponse:
		return throttle + 2 // error code
	case *kmsg.MetadataResponse:
		return throttle + 1 + 1 + 4 // no brokers, no cluster id, the controller
	}
	return throttle
}

// tailOf returns how many bytes follow the array of items.
func tailOf(resp kmsg.Response) int {
	const tags = 1
	if resp.Key() == int16(kmsg.Metadata) && resp.GetVersion() >= 13 {
		return 2 + tags // error code
	}
	return tags
}
