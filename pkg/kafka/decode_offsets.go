package kafka

import (
	"cmp"
	"slices"

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
	Rows  []decodedEnd // sorted by partition, which may be there twice if the broker sent it twice
}

type decodedEnd struct {
	Offset      int64 // lag.NoOffset if the broker gave none
	Partition   int32
	LeaderEpoch int32 // -1 if the broker did not tell
	Code        int16
}

// decode returns the topics that are wanted, in the order of the answer. An error means that nothing of it can be relied on.
func (r *endsResponse) decode(topics decodeNames) ([]decodedEnds, error) {
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
	n := d.array(3) // name, partitions, tags
	out := make([]decodedEnds, 0, min(n, decodeArenaChunk))
	for ; n > 0 && d.err == nil; n-- {
		name, wanted := topics(d.text())
		rows := d.partitions(d.array(d.rowSize), wanted)
		d.tags()
		if wanted {
			out = append(out, decodedEnds{name, rows})
		}
	}
	d.tags()
	if err := d.finish("ListOffsets", r.Version); err != nil {
		return nil, err
	}
	return out, nil
}

type endsDecoder struct {
	decodeCursor
	version int16
	rowSize int // the least that one partition takes
	arena   decodeArena[decodedEnd]
}

func (d *endsDecoder) partitions(n int, wanted bool) []decodedEnd {
	var rows []decodedEnd
	if wanted {
		rows = d.arena.take(n, len(d.rest)/d.rowSize)
	}
	sorted := true
	for i := 0; i < n && d.err == nil; i++ {
		row := d.partition()
		if wanted {
			rows[i] = row
			sorted = sorted && (i == 0 || rows[i-1].Partition <= row.Partition)
		}
	}
	if !sorted {
		slices.SortFunc(rows, func(a, b decodedEnd) int { return cmp.Compare(a.Partition, b.Partition) })
	}
	return rows
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
