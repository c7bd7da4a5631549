package kafka

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// offsetsAsked is what one leader is asked for: one kind of offset of some partitions, topic by topic.
type offsetsAsked struct {
	kind       offsetKind
	leader     int32
	topics     []topicAsked
	partitions []int32 // indexes in the topics' partitions
	answered   int     // how many of the topics were answered, as long as that happens in their order
	// encoded is the request as it was last encoded; nil if it is not asked again and again.
	encoded *encodedAsked
}

// encodedAsked may be used concurrently: the client encodes in a goroutine of its own, also what nobody waits for any more.
type encodedAsked struct {
	mu      sync.Mutex
	version int16  // mu
	body    []byte // mu
}

// topicAsked is one topic, by its index in the observation, and where in offsetsAsked.partitions its own end.
type topicAsked struct{ topic, end int }

func (a *offsetsAsked) add(topic, partition int) {
	a.partitions = append(a.partitions, int32(partition))
	if n := len(a.topics); n > 0 && a.topics[n-1].topic == topic {
		a.topics[n-1].end++
		return
	}
	a.topics = append(a.topics, topicAsked{topic, len(a.partitions)})
}

// each yields the indexes of each topic and partition.
func (a *offsetsAsked) each(yield func(topic, partition int) bool) {
	at := 0
	for _, t := range a.topics {
		for ; at < t.end; at++ {
			if !yield(t.topic, int(a.partitions[at])) {
				return
			}
		}
	}
}

// next returns where the topic that is answered next stands in the observation, -1 if it does not, and the partitions asked for if it
// comes in order.
func (a *offsetsAsked) next(c *collection, name string) (topic int, partitions []int32) {
	if a.answered == len(a.topics) || c.obs.Topics[a.topics[a.answered].topic].Name != name {
		return c.topicIndex(name), nil
	}
	first := 0
	if a.answered > 0 {
		first = a.topics[a.answered-1].end
	}
	t := a.topics[a.answered]
	a.answered++
	return t.topic, a.partitions[first:t.end]
}

// expect returns the names of the topics. It is quickest if the answer has them in the order of the request.
func (a *offsetsAsked) expect(c *collection) decodeNames {
	next := 0
	return func(name []byte) (string, bool) {
		if next < len(a.topics) {
			if asked := c.obs.Topics[a.topics[next].topic].Name; asked == string(name) {
				next++
				return asked, true
			}
		}
		return c.topicNames(name)
	}
}

// endsRequest is a ListOffsets whose answer is an *endsResponse. It is encoded here, from what there is, since kmsg's own needs a
// struct for each partition. With the leader epoch that Metadata gave (KIP-320), a broker that has lost, or not yet taken up, the
// leadership says so in place of giving an old offset.
type endsRequest struct {
	topics  []lag.Topic
	asked   *offsetsAsked
	version int16
}

var _ kmsg.Request = (*endsRequest)(nil)

// Key is that of ListOffsets.
func (r *endsRequest) Key() int16 { return int16(kmsg.ListOffsets) }

// MaxVersion is the last version whose encoding is known here.
func (r *endsRequest) MaxVersion() int16 { return 11 }

// SetVersion sets the version to encode.
func (r *endsRequest) SetVersion(version int16) { r.version = version }

// GetVersion returns the version to encode.
func (r *endsRequest) GetVersion() int16 { return r.version }

// IsFlexible says whether lengths are varints and structures end in tagged fields (KIP-482).
func (r *endsRequest) IsFlexible() bool { return r.version >= 6 }

// ResponseKind returns what the client is to read the answer into.
func (r *endsRequest) ResponseKind() kmsg.Response {
	return &endsResponse{ListOffsetsResponse: kmsg.ListOffsetsResponse{Version: r.version}}
}

// ReadFrom is for servers, and not supported.
func (r *endsRequest) ReadFrom([]byte) error { return errors.ErrUnsupported }

// AppendTo encodes the request.
func (r *endsRequest) AppendTo(dst []byte) []byte {
	e := r.asked.encoded
	if e == nil {
		return r.encode(dst)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.body == nil || e.version != r.version {
		e.version, e.body = r.version, r.encode(nil)
	}
	return append(dst, e.body...)
}

func (r *endsRequest) encode(dst []byte) []byte {
	const largest = 17 // bytes of a partition
	dst = slices.Grow(dst, 64+largest*len(r.asked.partitions)+64*len(r.asked.topics))
	dst = kbin.AppendInt32(dst, noBroker) // replica: none, but a client
	if r.version >= isolationVersion {
		dst = kbin.AppendInt8(dst, r.asked.kind.isolation)
	}
	dst = r.appendLen(dst, len(r.asked.topics))
	first := 0
	for _, t := range r.asked.topics {
		dst = r.appendTopic(dst, &r.topics[t.topic], r.asked.partitions[first:t.end])
		first = t.end
	}
	if r.version >= 10 {
		// How long the broker may take, in ms, for lookups by time in remote storage, which these are not. With any time here, the client
		// would wait on the connection for so much longer, and with it whatever is asked next.
		dst = kbin.AppendInt32(dst, 0)
	}
	return r.appendTags(dst)
}

func (r *endsRequest) appendTopic(dst []byte, t *lag.Topic, partitions []int32) []byte {
	if r.IsFlexible() {
		dst = kbin.AppendCompactString(dst, t.Name)
	} else {
		dst = kbin.AppendString(dst, t.Name)
	}
	dst = r.appendLen(dst, len(partitions))
	for _, at := range partitions {
		p := &t.Partitions[at]
		dst = binary.BigEndian.AppendUint32(dst, uint32(p.Partition))
		if r.version >= 4 {
			dst = binary.BigEndian.AppendUint32(dst, uint32(p.LeaderEpoch))
		}
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.asked.kind.timestamp))
		if r.version == 0 {
			dst = kbin.AppendInt32(dst, 1) // offsets at most
		}
		dst = r.appendTags(dst)
	}
	return r.appendTags(dst)
}

func (r *endsRequest) appendLen(dst []byte, n int) []byte {
	if r.IsFlexible() {
		return kbin.AppendCompactArrayLen(dst, n)
	}
	return kbin.AppendArrayLen(dst, n)
}

// appendTags ends a structure, without any tagged field.
func (r *endsRequest) appendTags(dst []byte) []byte {
	if r.IsFlexible() {
		return append(dst, 0)
	}
	return dst
}
