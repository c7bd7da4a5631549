package kafka

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// listRequest is a ListGroups whose answer is a *listResponse.
type listRequest struct{ *kmsg.ListGroupsRequest }

var (
	_ kmsg.Request          = listRequest{}
	_ kmsg.Response         = (*listResponse)(nil)
	_ kmsg.ThrottleResponse = (*listResponse)(nil)
)

// ResponseKind returns what the client is to read the answer into.
func (r listRequest) ResponseKind() kmsg.Response {
	return &listResponse{ListGroupsResponse: kmsg.ListGroupsResponse{Version: r.Version}}
}

// listResponse is the answer to a listRequest. Of kmsg's fields, only Version and ThrottleMillis are set.
type listResponse struct {
	kmsg.ListGroupsResponse
	decodeBody
}

// ReadFrom keeps src for decode.
func (r *listResponse) ReadFrom(src []byte) (err error) {
	r.ThrottleMillis, err = r.keep(src, r.Version >= 1)
	return err
}

// decodedGroup is a group as its coordinator lists it.
type decodedGroup struct {
	Name, ProtocolType string
	State              string // empty before v4
	Type               string // empty before v5
}

// decode returns the error code and the groups that are wanted, in the order of the answer. An error means that nothing of it can be
// relied on.
func (r *listResponse) decode(groups decodeNames) (code int16, out []decodedGroup, err error) {
	d := newDecodeCursor(r.body, r.IsFlexible())
	if r.Version >= 1 {
		d.int32() // throttle time
	}
	code = d.int16()
	n := d.array(3) // name, protocol type, and tags or longer lengths
	out = make([]decodedGroup, 0, min(n, decodeArenaChunk))
	protocol, state, kind := decodeWords{}, decodeWords{}, decodeWords{}
	for ; n > 0 && d.err == nil; n-- {
		name, wanted := groups(d.text())
		g := decodedGroup{Name: name, ProtocolType: protocol.word(d.text())}
		if r.Version >= 4 {
			g.State = state.word(d.text())
		}
		if r.Version >= 5 {
			g.Type = kind.word(d.text())
		}
		d.tags()
		if wanted {
			out = append(out, g)
		}
	}
	d.tags()
	return code, out, d.finish("ListGroups", r.Version)
}

// decodeWords gives the same string for the same word. It is meant for the few words that a broker has for something.
type decodeWords struct{ known []string }

// mostWords bounds the memory of decodeWords against a broker that has many.
const mostWords = 16

func (w *decodeWords) word(b []byte) string {
	for _, known := range w.known {
		if known == string(b) {
			return known
		}
	}
	word := string(b)
	if len(w.known) < mostWords {
		w.known = append(w.known, word)
	}
	return word
}
