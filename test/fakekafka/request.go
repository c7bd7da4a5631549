package fakekafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxRequest bounds a request. The largest, ListOffsets at size XL, has less than 1 MB.
const maxRequest = 64 << 20

// request is one request as it was read.
type request struct {
	raw         []byte // without the length
	key         kmsg.Key
	version     int16
	correlation int32
	body        []byte // the part of raw after the header
	parsed      kmsg.Request
}

func readRequest(r io.Reader) (*request, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(length[:])
	if size > maxRequest {
		return nil, fmt.Errorf("a request of %d bytes", size)
	}
	raw := make([]byte, size)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	return parse(raw)
}

func parse(raw []byte) (*request, error) {
	header := kbin.Reader{Src: raw}
	out := &request{raw: raw, key: kmsg.Key(header.Int16()), version: header.Int16(), correlation: header.Int32()}
	header.NullableString() // client id
	if !header.Ok() {
		return nil, errors.New("a request without a header")
	}
	out.parsed = kmsg.RequestForKey(int16(out.key))
	if out.parsed == nil {
		return nil, fmt.Errorf("a request of unknown key %d", out.key)
	}
	out.parsed.SetVersion(min(out.version, out.parsed.MaxVersion()))
	if out.parsed.IsFlexible() {
		kmsg.SkipTags(&header)
	}
	out.body = header.Src
	if err := out.parsed.ReadFrom(out.body); err != nil {
		return nil, fmt.Errorf("%s v%d: %w", kmsg.NameForKey(int16(out.key)), out.version, err)
	}
	return out, nil
}

// answerHeader returns the length, correlation id and tags in front of a body of so many bytes.
func (r *request) answerHeader(bodySize int) []byte {
	// Kafka answers ApiVersions without tags in the header, for clients that ask with a version that it does not know.
	flexible := r.key != kmsg.ApiVersions && r.parsed.IsFlexible()
	header := make([]byte, 8, 9)
	if flexible {
		header = append(header, 0)
	}
	binary.BigEndian.PutUint32(header, uint32(len(header)-4+bodySize))
	binary.BigEndian.PutUint32(header[4:], uint32(r.correlation))
	return header
}
