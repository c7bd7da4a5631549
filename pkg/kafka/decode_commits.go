package kafka

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// commitsRequest is an OffsetFetch whose answer is a *commitsResponse.
type commitsRequest struct{ *kmsg.OffsetFetchRequest }

var (
	_ kmsg.Request          = commitsRequest{}
	_ kmsg.Response         = (*commitsResponse)(nil)
	_ kmsg.ThrottleResponse = (*commitsResponse)(nil)
)

// MaxVersion is the last version that names topics. From v10 on there are only their ids, and commits of topics that no longer
// exist are dropped.
func (r commitsRequest) MaxVersion() int16 { return 9 }

// ResponseKind returns what the client is to read the answer into.
func (r commitsRequest) ResponseKind() kmsg.Response {
	return &commitsResponse{OffsetFetchResponse: kmsg.OffsetFetchResponse{Version: r.Version}}
}

// commitsResponse is the answer to a commitsRequest. Of kmsg's fields, only Version and ThrottleMillis are set.
type commitsResponse struct {
	kmsg.OffsetFetchResponse
	decodeBody
}

// ReadFrom keeps src for decode.
func (r *commitsResponse) ReadFrom(src []byte) (err error) {
	r.ThrottleMillis, err = r.keep(src, r.Version >= 3)
	return err
}

// decodedCommits is what the broker answered about one group.
type decodedCommits struct {
	Group  string // empty before v8, which answers for the one group that was asked for
	Code   int16
	Topics []lag.TopicCommits // sorted, but as hostile as the broker: a topic or a partition may be there twice
}

// decode returns the groups and topics that are wanted. An error means that nothing of the answer can be relied on.
//
// The rows are lent by rows, unless that is nil.
func (r *commitsResponse) decode(groups, topics decodeNames, codeErr func(code int16) error, rows *commitRows) ([]decodedCommits, error) {
	d := commitsDecoder{
		decodeCursor: newDecodeCursor(r.body, r.IsFlexible()), version: r.Version,
		names: topics, codeErr: decodeCodes(codeErr), rowSize: 16, // partition, offset, metadata, code
	}
	if rows != nil {
		d.rows.lend = rows.chunk
	}
	if d.version >= 5 {
		d.rowSize = 20 // the leader epoch as well; with flexible lengths, one byte for the metadata and one for the tags
	}
	if d.version >= 3 {
		d.int32() // throttle time
	}
	var out []decodedCommits
	if d.version >= offsetFetchGroups {
		out = d.groups(groups)
	} else {
		out = []decodedCommits{{Topics: d.topics(true)}}
		if d.version >= 2 {
			out[0].Code = d.int16()
		}
	}
	d.tags()
	if err := d.finish("OffsetFetch", r.Version); err != nil {
		return nil, err
	}
	return out, nil
}

type commitsDecoder struct {
	decodeCursor
	version int16
	rowSize int // the least that one partition takes
	names   decodeNames
	codeErr func(code int16) error
	rows    decodeArena[lag.Commit]
	// perTopic has room for the topics of several groups, most of which have few.
	perTopic decodeArena[lag.TopicCommits]
}

func (d *commitsDecoder) groups(names decodeNames) []decodedCommits {
	n := d.array(5) // name, topics, code, tags
	out := make([]decodedCommits, 0, min(n, decodeArenaChunk))
	for ; n > 0 && d.err == nil; n-- {
		name, wanted := names(d.text())
		one := decodedCommits{Group: name, Topics: d.topics(wanted)}
		one.Code = d.int16()
		d.tags()
		if wanted {
			out = append(out, one)
		}
	}
	return out
}

// topics reads the topics of one group, and keeps them if they are wanted.
func (d *commitsDecoder) topics(wanted bool) []lag.TopicCommits {
	n := d.array(3) // name, partitions, tags
	var out []lag.TopicCommits
	for ; n > 0 && d.err == nil; n-- {
		var name string
		read := false
		if b := d.text(); wanted && d.err == nil {
			name, read = d.names(b)
		}
		rows := d.array(d.rowSize)
		if read && d.err == nil {
			if out == nil {
				out = d.perTopic.take(min(n, 64), len(d.rest)/32)[:0]
			}
			out = append(out, lag.TopicCommits{Topic: name})
			d.partitions(&out[len(out)-1], rows)
		} else {
			d.skipPartitions(rows)
		}
		d.tags()
	}
	byTopic := func(a, b lag.TopicCommits) int { return cmp.Compare(a.Topic, b.Topic) }
	if !slices.IsSortedFunc(out, byTopic) {
		slices.SortFunc(out, byTopic)
	}
	return out
}

// partitions reads the commits on one topic.
func (d *commitsDecoder) partitions(into *lag.TopicCommits, n int) {
	rows := d.rows.take(n, len(d.rest)/d.rowSize)
	read := d.plainPartitions(rows)
	for i := read; i < n; i++ {
		d.partition(into, &rows[i])
		if d.err != nil {
			return
		}
	}
	into.Partitions = rows
	if !sortedByPartition(rows) && !placed(rows) {
		slices.SortFunc(rows, func(a, b lag.Commit) int { return cmp.Compare(a.Partition, b.Partition) })
	}
	slices.SortFunc(into.Failed, func(a, b lag.FailedCommit) int { return cmp.Compare(a.Partition, b.Partition) })
}

// plainPartitions reads as many rows as it can in the form that nearly all have from v8 on: no metadata, no error, no tags. It says
// how many.
func (d *commitsDecoder) plainPartitions(rows []lag.Commit) (read int) {
	if d.version < offsetFetchGroups {
		return 0
	}
	const size = 20 // partition, offset, leader epoch, metadata, code, tags
	for i := range rows {
		b := d.rest
		if len(b) < size || b[16] > 1 || b[17]|b[18]|b[19] != 0 { // a length of 0 is null, 1 is empty
			return i
		}
		rows[i] = lag.Commit{
			Partition: int32(binary.BigEndian.Uint32(b)), Offset: int64(binary.BigEndian.Uint64(b[4:])),
			LeaderEpoch: int32(binary.BigEndian.Uint32(b[12:])),
		}
		d.rest = b[size:]
	}
	return len(rows)
}

func (d *commitsDecoder) partition(into *lag.TopicCommits, row *lag.Commit) {
	row.Partition, row.Offset, row.LeaderEpoch = d.int32(), d.int64(), -1
	if d.version >= 5 {
		row.LeaderEpoch = d.int32()
	}
	d.nullableText() // metadata
	if code := d.int16(); code != 0 {
		into.Failed = append(into.Failed, lag.FailedCommit{Partition: row.Partition, Err: d.codeErr(code)})
	}
	d.tags()
}

func sortedByPartition(rows []lag.Commit) bool {
	for i := 1; i < len(rows); i++ {
		if rows[i-1].Partition > rows[i].Partition {
			return false
		}
	}
	return true
}

// placed sorts rows that are of all partitions from 0 on, as a group's mostly are, by putting each where it belongs. Brokers answer in
// the order of their hash tables. It says whether it could; if not, the rows are there in some order.
func placed(rows []lag.Commit) bool {
	for i := range rows {
		for rows[i].Partition != int32(i) {
			at := int(rows[i].Partition)
			if at < 0 || at >= len(rows) || rows[at].Partition == int32(at) {
				return false
			}
			rows[i], rows[at] = rows[at], rows[i]
		}
	}
	return true
}

func (d *commitsDecoder) skipPartitions(n int) {
	fixed := 12 // partition, offset
	if d.version >= 5 {
		fixed = 16
	}
	for ; n > 0 && d.err == nil; n-- {
		d.span(fixed)
		d.nullableText()
		d.span(2)
		d.tags()
	}
}
