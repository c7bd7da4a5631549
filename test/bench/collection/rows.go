package main

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// row is what the floor keeps of a partition or a member: 32 bytes.
type row struct {
	offset    int64
	partition int32
	epoch     int32
	item      int32 // the group or the topic, by its place in the response
	code      int16
	more      int64 // what else there is, such as a leader
}

// decode walks through an encoded response, whose version is the newest that the fake speaks, into rows.
func decode(key kmsg.Key, version int16, encoded []byte) ([]row, error) {
	d := decoder{encoded: encoded}
	d.int32() // throttle
	switch key {
	case kmsg.Metadata:
		d.metadata(version)
	case kmsg.ListGroups:
		d.int16()
		d.array(d.listedGroup)
	case kmsg.OffsetFetch:
		d.rows = make([]row, 0, len(encoded)/20)
		d.array(d.commits)
	case kmsg.ListOffsets:
		d.rows = make([]row, 0, len(encoded)/27)
		d.array(d.offsets)
	case kmsg.DescribeGroups:
		d.array(d.classicGroup)
	case kmsg.ConsumerGroupDescribe:
		d.array(d.consumerGroup)
	case kmsg.FindCoordinator:
		d.array(d.coordinator)
	default:
		return nil, fmt.Errorf("the floor does not decode key %d; add it to rows.go", key)
	}
	d.tags()
	if d.short || d.at != len(encoded) {
		return nil, fmt.Errorf("decoding %s v%d: what was read does not end where its %d bytes do", kmsg.NameForKey(int16(key)), version, len(encoded))
	}
	return d.rows, nil
}

// decoder is lean, but trusts no answer, as no client may: what is read beyond the end is 0, and short is set.
type decoder struct {
	encoded []byte
	at      int
	short   bool
	rows    []row
}

// next passes by n bytes and returns where they begin.
func (d *decoder) next(n int) []byte {
	at := d.at
	if n < 0 || n > len(d.encoded)-at {
		d.short, d.at = true, len(d.encoded)
		return make([]byte, 8)
	}
	d.at += n
	return d.encoded[at:]
}

func (d *decoder) skip(n int)   { d.next(n) }
func (d *decoder) int16() int16 { return int16(binary.BigEndian.Uint16(d.next(2))) }
func (d *decoder) int32() int32 { return int32(binary.BigEndian.Uint32(d.next(4))) }
func (d *decoder) int64() int64 { return int64(binary.BigEndian.Uint64(d.next(8))) }

func (d *decoder) uvarint() int {
	if d.at < len(d.encoded) && d.encoded[d.at] < 0x80 {
		d.at++
		return int(d.encoded[d.at-1])
	}
	n, size := binary.Uvarint(d.encoded[d.at:])
	d.skip(max(size, 1))
	return int(uint32(n))
}

// tags passes by tagged fields.
func (d *decoder) tags() {
	for range d.uvarint() {
		d.uvarint()
		d.skip(d.uvarint())
		if d.short {
			return
		}
	}
}

// length reads that of a compact array or string, which has no more items than bytes follow. Null is as long as empty.
func (d *decoder) length() int {
	n := d.uvarint() - 1
	if n > len(d.encoded)-d.at {
		d.short, n = true, 0
	}
	return max(n, 0)
}

// text passes by a string: whoever wants it knows where it stands.
func (d *decoder) text() { d.skip(d.length()) }

func (d *decoder) array(item func(i int32)) {
	for i := range d.length() {
		item(int32(i))
	}
}

func (d *decoder) numbers() (count int32) {
	count = int32(d.length())
	d.skip(4 * int(count))
	return count
}

func (d *decoder) metadata(version int16) {
	d.array(func(int32) { // brokers
		d.int32()
		d.text()
		d.int32()
		d.text()
		d.tags()
	})
	d.text() // cluster id
	d.int32()
	d.rows = make([]row, 0, len(d.encoded)/42)
	d.array(func(i int32) {
		d.int16()
		d.text()
		d.skip(16)
		d.skip(1)
		d.array(func(int32) {
			r := row{item: i, code: d.int16(), partition: d.int32(), more: int64(d.int32()), epoch: d.int32()}
			replicas, inSync := d.numbers(), d.numbers()
			r.offset = int64(replicas)<<32 | int64(inSync)
			d.numbers() // offline
			d.tags()
			d.rows = append(d.rows, r)
		})
		d.int32()
		d.tags()
	})
	if version >= 13 {
		d.int16()
	}
}

func (d *decoder) listedGroup(i int32) {
	for range 4 { // name, protocol type, state, type
		d.text()
	}
	d.tags()
	d.rows = append(d.rows, row{item: i})
}

func (d *decoder) commits(i int32) {
	d.text()
	for range d.length() {
		d.text()
		for range d.length() {
			r := row{item: i, partition: d.int32(), offset: d.int64(), epoch: d.int32()}
			d.text() // metadata
			r.code = d.int16()
			d.tags()
			d.rows = append(d.rows, r)
		}
		d.tags()
	}
	d.int16()
	d.tags()
}

func (d *decoder) offsets(i int32) {
	d.text()
	for range d.length() {
		r := row{item: i, partition: d.int32(), code: d.int16(), more: d.int64(), offset: d.int64(), epoch: d.int32()}
		d.tags()
		d.rows = append(d.rows, r)
	}
	d.tags()
}

func (d *decoder) classicGroup(i int32) {
	d.int16()
	for range 5 { // error message, name, state, protocol type, protocol
		d.text()
	}
	d.array(func(int32) {
		for range 6 { // member id, instance id, client id, client host, subscription, assignment
			d.text()
		}
		d.tags()
		d.rows = append(d.rows, row{item: i})
	})
	d.int32()
	d.tags()
}

func (d *decoder) consumerGroup(i int32) {
	d.int16()
	for range 3 { // error message, name, state
		d.text()
	}
	d.skip(8) // epochs
	d.text()  // assignor
	d.array(func(int32) {
		for range 3 { // member id, instance id, rack
			d.text()
		}
		d.int32()
		d.text()
		d.text()
		d.array(func(int32) { d.text() }) // subscribed topics
		d.text()
		d.assignment()
		d.assignment()
		d.skip(1)
		d.tags()
		d.rows = append(d.rows, row{item: i})
	})
	d.int32()
	d.tags()
}

func (d *decoder) assignment() {
	d.array(func(int32) {
		d.skip(16)
		d.text()
		d.numbers()
		d.tags()
	})
	d.tags()
}

func (d *decoder) coordinator(i int32) {
	d.text()
	r := row{item: i, partition: d.int32()}
	d.text()
	d.int32()
	r.code = d.int16()
	d.text()
	d.tags()
	d.rows = append(d.rows, r)
}
