package kafka

import (
	"cmp"
	"net"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// metadataRequest is a Metadata whose answer is a *metadataResponse. The client learns nothing from that answer: it finds
// brokers only through answers to Metadata requests of kmsg's own type.
type metadataRequest struct{ *kmsg.MetadataRequest }

var (
	_ kmsg.Request          = metadataRequest{}
	_ kmsg.Response         = (*metadataResponse)(nil)
	_ kmsg.ThrottleResponse = (*metadataResponse)(nil)
)

// ResponseKind returns what the client is to read the answer into.
func (r metadataRequest) ResponseKind() kmsg.Response {
	return &metadataResponse{MetadataResponse: kmsg.MetadataResponse{Version: r.Version}}
}

// metadataResponse is the answer to a metadataRequest. Of kmsg's fields, only Version and ThrottleMillis are set.
type metadataResponse struct {
	kmsg.MetadataResponse
	decodeBody
}

// ReadFrom keeps src for decode.
func (r *metadataResponse) ReadFrom(src []byte) (err error) {
	r.ThrottleMillis, err = r.keep(src, r.Version >= 3)
	return err
}

// decodedMetadata is an answer to Metadata. The lists are sorted, but as hostile as the broker: a broker, a topic or a partition
// may be there twice.
type decodedMetadata struct {
	Code    int16  // of the answer as a whole; v13 and later
	Cluster string // the cluster's own id; empty before v2
	Brokers []lag.Broker
	Topics  []decodedTopic
}

// decodedTopic is a topic without offsets.
type decodedTopic struct {
	Name       string
	ID         [16]byte // zero before v10
	Code       int16
	Partitions []lag.Partition
	Codes      map[int32]int16 // of the partitions that have no leader, by number; nil if all have one
}

// decode returns the brokers and the topics that are wanted. An error means that nothing of the answer can be relied on.
func (r *metadataResponse) decode(topics decodeNames) (*decodedMetadata, error) {
	d := metadataDecoder{decodeCursor: newDecodeCursor(r.body, r.IsFlexible()), version: r.Version, names: topics}
	out := &decodedMetadata{}
	if d.version >= 3 {
		d.int32() // throttle time
	}
	out.Brokers = d.brokers()
	if d.version >= 2 {
		out.Cluster = string(d.nullableText())
	}
	if d.version >= 1 {
		d.int32() // controller
	}
	out.Topics = d.topics()
	if d.version >= 8 && d.version <= 10 {
		d.int32() // authorized operations on the cluster
	}
	if d.version >= 13 {
		out.Code = d.int16()
	}
	d.tags()
	if err := d.finish("Metadata", r.Version); err != nil {
		return nil, err
	}
	return out, nil
}

type metadataDecoder struct {
	decodeCursor
	version int16
	names   decodeNames
	rows    decodeArena[lag.Partition]
}

func (d *metadataDecoder) brokers() []lag.Broker {
	n := d.array(10) // node id, host, port
	out := make([]lag.Broker, 0, min(n, decodeArenaChunk))
	for ; n > 0 && d.err == nil; n-- {
		id, host, port := d.int32(), string(d.text()), d.int32()
		if d.version >= 1 {
			d.nullableText() // rack
		}
		d.tags()
		out = append(out, lag.Broker{ID: id, Address: net.JoinHostPort(host, strconv.Itoa(int(port)))})
	}
	slices.SortStableFunc(out, func(a, b lag.Broker) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (d *metadataDecoder) topics() []decodedTopic {
	n := d.array(8) // code, name, partitions
	out := make([]decodedTopic, 0, min(n, decodeArenaChunk))
	for ; n > 0 && d.err == nil; n-- {
		t := decodedTopic{Code: d.int16()}
		wanted := false
		// From v12 on, a topic that was asked for by its id may have no name. We ask by name.
		if name := d.topicName(); name != nil {
			t.Name, wanted = d.names(name)
		}
		if d.version >= 10 {
			copy(t.ID[:], d.span(len(t.ID)))
		}
		if d.version >= 1 {
			d.span(1) // internal
		}
		d.partitions(&t, wanted)
		if d.version >= 8 {
			d.int32() // authorized operations on the topic
		}
		d.tags()
		if wanted && d.err == nil {
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b decodedTopic) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (d *metadataDecoder) topicName() []byte {
	if d.version >= 12 {
		return d.nullableText()
	}
	return d.text()
}

// partitions reads the partitions of one topic, and keeps them if they are wanted.
func (d *metadataDecoder) partitions(t *decodedTopic, wanted bool) {
	const minSize = 18 // code, partition, leader, replicas, replicas in sync
	n := d.array(minSize)
	if wanted {
		t.Partitions = d.rows.take(n, len(d.rest)/minSize)
	}
	var unwanted lag.Partition
	for i := 0; i < n && d.err == nil; i++ {
		row := &unwanted
		if wanted {
			row = &t.Partitions[i]
		}
		code := d.partition(row)
		if row.Leader < 0 && wanted {
			if t.Codes == nil {
				t.Codes = make(map[int32]int16)
			}
			t.Codes[row.Partition] = code
		}
	}
	if !slices.IsSortedFunc(t.Partitions, comparePartitions) {
		slices.SortStableFunc(t.Partitions, comparePartitions)
	}
}

func comparePartitions(a, b lag.Partition) int { return cmp.Compare(a.Partition, b.Partition) }

func (d *metadataDecoder) partition(row *lag.Partition) (code int16) {
	code, row.Partition, row.Leader, row.LeaderEpoch = d.int16(), d.int32(), d.int32(), -1
	if d.version >= 7 {
		row.LeaderEpoch = d.int32()
	}
	row.PreferredLeader, row.Replicas = d.nodes()
	_, row.InSyncReplicas = d.nodes()
	if d.version >= 5 {
		d.nodes() // offline replicas
	}
	d.tags()
	return code
}

// nodes reads a list of node ids: the first, -1 if there is none, and how many there are.
func (d *metadataDecoder) nodes() (first, n int32) {
	length := d.array(4)
	if length == 0 {
		return noBroker, 0
	}
	first = d.int32()
	d.span((length - 1) * 4)
	return first, int32(length)
}
