package kafka

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

var (
	_ kmsg.Response         = (*endsResponse)(nil)
	_ kmsg.ThrottleResponse = (*endsResponse)(nil)
)

// endsResponse is the answer to an endsRequest. Of kmsg's fields, only Version and ThrottleMillis are set.
type endsResponse struct {
	kmsg.ListOffsetsResponse
	decodeBody
}

// ReadFrom keeps src for decode.
func (r *endsResponse) ReadFrom(src []byte) (err error) {
	r.ThrottleMillis, err = r.keep(src, r.Version >= 2)
	return err
}

// decodedEnds are the offsets of one topic's partitions.
type decodedEnds struct {
	Topic string
	Rows  []decodedEnd // as the broker sent them: in any order, and some may be there twice; good until the next topic
}

type decodedEnd struct {
	Offset      int64 // lag.NoOffset if the broker gave none
	Partition   int32
	LeaderEpoch int32 // -1 if the broker did not tell
	Code        int16
}

// decode calls each with the topics that are wanted, in the order of the answer. An error means that nothing of it can be relied on,
// neither what came before.
func (r *endsResponse) decode(topics decodeNames, each func(decodedEnds)) error {
	d := endsDecoder{decodeCursor: newDecodeCursor(r.body, r.IsFlexible()), version: r.Version}
	switch {
	case d.version == 0:
		d.rowSize = 10 // partition, code, offsets
	case d.version < 4:
		d.rowSize = 22 // partition, code, timestamp, offset
	default:
		d.rowSize = 26 // the leader epoch as well
	}
	if d.version >= 2 {
		d.int32() // throttle time
	}
	for n := d.array(3); n > 0 && d.err == nil; n-- { // name, partitions, tags
		name, wanted := topics(d.text())
		rows := d.partitions(d.array(d.rowSize), wanted)
		d.tags()
		if wanted && d.err == nil {
			each(decodedEnds{name, rows})
		}
	}
	d.tags()
	return d.finish("ListOffsets", r.Version)
}

type endsDecoder struct {
	decodeCursor
	version int16
	rowSize int          // the least that one partition takes
	rows    []decodedEnd // room for those of one topic
}

func (d *endsDecoder) partitions(n int, wanted bool) []decodedEnd {
	if !wanted {
		for ; n > 0 && d.err == nil; n-- {
			d.partition()
		}
		return nil
	}
	if n > cap(d.rows) {
		d.rows = make([]decodedEnd, n)
	}
	rows := d.rows[:n]
	for i := d.plainPartitions(rows); i < n && d.err == nil; i++ {
		rows[i] = d.partition()
	}
	return rows
}

// plainPartitions reads as many rows as it can in the form that nearly all have from v6 on: no tags. It says how many.
func (d *endsDecoder) plainPartitions(rows []decodedEnd) (read int) {
	if !d.flexible {
		return 0
	}
	const size = 27 // partition, code, timestamp, offset, leader epoch, tags
	for i := range rows {
		b := d.rest
		if len(b) < size || b[26] != 0 {
			return i
		}
		rows[i] = decodedEnd{
			Partition: int32(binary.BigEndian.Uint32(b)), Code: int16(binary.BigEndian.Uint16(b[4:])),
			Offset: int64(binary.BigEndian.Uint64(b[14:])), LeaderEpoch: int32(binary.BigEndian.Uint32(b[22:])),
		}
		d.rest = b[size:]
	}
	return len(rows)
}

func (d *endsDecoder) partition() decodedEnd {
	row := decodedEnd{Offset: lag.NoOffset, Partition: d.int32(), LeaderEpoch: -1, Code: d.int16()}
	if d.version == 0 {
		// Several offsets, of which the first is the newest that was asked for.
		for i := range d.array(8) {
			if offset := d.int64(); i == 0 {
				row.Offset = offset
			}
		}
		return row
	}
	d.span(8) // timestamp
	row.Offset = d.int64()
	if d.version >= 4 {
		row.LeaderEpoch = d.int32()
	}
	d.tags()
	return row
}
