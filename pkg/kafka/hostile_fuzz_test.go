package kafka_test

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// The ways in which the fuzzed bytes change an answer.
const (
	overwrite = iota
	insert
	remove
	cut
	ways
)

// alter changes an honest answer at a place after its correlation id. It is given its true length, as what the stream's length
// says is a matter of tables, not of luck. No length of more than two bytes comes in with data: kmsg, which decodes the small
// answers, spends a minute on 2^31 tagged fields that are not there.
func alter(answer []byte, way uint8, at uint16, data []byte) []byte {
	place := 9 + int(at)%(len(answer)-8)
	data = slices.Clone(data[:min(len(data), 64)])
	for i := 2; i < len(data); i += 3 {
		data[i] &= 0x7f
	}
	switch way % ways {
	case overwrite:
		copy(answer[place:], data)
	case insert:
		answer = slices.Insert(answer, place, data...)
	case remove:
		answer = slices.Delete(answer, place, min(place+len(data), len(answer)))
	case cut:
		answer = answer[:place]
	}
	return sealed(answer)
}

// FuzzHostileBytes lets one broker of three give altered answers to one kind of request. What is altered may be an honest answer still,
// of other values, so that what this broker is asked about may be anything; but an answer cut short is not believed, nothing else is
// touched, and whatever comes of it is a lag that can be.
func FuzzHostileBytes(f *testing.F) {
	h := newTrial(f)
	h.timeout = 10 * time.Second // some are waited for that long: they are shorter than they say
	for i := range hostileKeys() {
		for way := range uint8(ways) {
			for _, at := range []uint16{0, 4, 18, 250} {
				f.Add(uint8(i), way, at, []byte{0xff, 0xff, 0x7f, 0, 1})
			}
		}
	}
	f.Fuzz(func(t *testing.T, which, way uint8, at uint16, data []byte) {
		key := hostileKeys()[int(which)%len(hostileKeys())]
		h.cluster.Fault(hostile, key, fakekafka.Fault{Corrupt: func(answer []byte) []byte { return alter(answer, way, at, data) }})
		defer h.cluster.Heal()
		snapshot, started := h.collect(t, h.full)
		switch {
		case way%ways == cut:
			h.checkTruth(t, snapshot, started)
			h.checkOthers(t, snapshot, started, h.itself)
		case key == kmsg.Metadata: // other topics, other brokers: anything
			h.checkTruthBut(t, snapshot, started, func(int, int) bool { return true })
		default:
			h.checkTruthBut(t, snapshot, started, h.itself)
			h.checkOthers(t, snapshot, started, h.itself)
		}
	})
}
