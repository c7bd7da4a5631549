package kafka

import (
	"cmp"
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
func (r *commitsResponse) decode(groups, topics decodeNames, codeErr func(code int16) error) ([]decodedCommits, error) {
	d := commitsDecoder{
		decodeCursor: newDecodeCursor(r.body, r.IsFlexible()), version: r.Version,
		names: topics, codeErr: decodeCodes(codeErr), rowSize: 16, // partition, offset, metadata, code
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
				out = make([]lag.TopicCommits, 0, min(n, 64))
			}
			out = append(out, lag.TopicCommits{Topic: name, Partitions: d.partitions(rows)})
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

func (d *commitsDecoder) partitions(n int) []lag.Commit {
	rows := d.rows.take(n, len(d.rest)/d.rowSize)
	sorted := true
	for i := range rows {
		r := &rows[i]
		r.Partition, r.Offset, r.LeaderEpoch, r.BrokerLag = d.int32(), d.int64(), -1, lag.NoOffset
		if d.version >= 5 {
			r.LeaderEpoch = d.int32()
		}
		d.nullableText() // metadata
		if code := d.int16(); code != 0 {
			r.Err = d.codeErr(code)
		}
		d.tags()
		if d.err != nil {
			return nil
		}
		sorted = sorted && (i == 0 || rows[i-1].Partition <= r.Partition)
	}
	if !sorted && !placed(rows) {
		slices.SortFunc(rows, func(a, b lag.Commit) int { return cmp.Compare(a.Partition, b.Partition) })
	}
	return rows
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
