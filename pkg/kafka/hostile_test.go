package kafka_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// Bytes that are no answer at all: the broker is in error, and no more than that.
func TestRow23BrokenBytes(t *testing.T) {
	h := newTrial(t)
	random := rand.New(rand.NewPCG(23, 23))
	for name, corrupt := range map[string]func([]byte) []byte{
		"cut in half":              func(a []byte) []byte { return sealed(a[:8+(len(a)-8)/2]) },
		"cut by one byte":          func(a []byte) []byte { return sealed(a[:len(a)-1]) },
		"only a correlation id":    func(a []byte) []byte { return sealed(a[:8]) },
		"less than a header":       func(a []byte) []byte { return sealed(a[:6]) },
		"nothing but a length":     func([]byte) []byte { return make([]byte, 4) },
		"a length of 1 GiB":        func(a []byte) []byte { binary.BigEndian.PutUint32(a, 1<<30); return a },
		"a length of 2 GiB":        func(a []byte) []byte { binary.BigEndian.PutUint32(a, math.MaxInt32); return a },
		"a negative length":        func(a []byte) []byte { binary.BigEndian.PutUint32(a, math.MaxUint32); return a },
		"another correlation id":   func(a []byte) []byte { a[7] ^= 0x55; return a },
		"the answer to no request": func(a []byte) []byte { return append(slices.Clone(a), a...) },
		"another protocol":         func([]byte) []byte { return []byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n") },
		"noise": func(a []byte) []byte {
			for i := 8; i < len(a); i++ {
				a[i] = byte(random.Uint32() | 0x80) // no length is small
			}
			return a
		},
	} {
		for _, key := range hostileKeys() {
			t.Run(fmt.Sprintf("%s/%s", kmsg.NameForKey(int16(key)), name), func(t *testing.T) {
				h.cluster.Fault(hostile, key, fakekafka.Fault{Corrupt: corrupt})
				defer h.cluster.Heal()
				snapshot, started := h.collect(t, h.full)
				h.checkTruth(t, snapshot, started)
				h.checkOthers(t, snapshot, started, h.itself)
			})
		}
	}
}

// A broker that sends less than it said may have more to say, and is waited for; not for ever, and without holding up others.
func TestRow23AnswersThatDoNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		cluster, err := fakekafka.NewInMemory(hostileShape(), &network)
		if err != nil {
			t.Fatal(err)
		}
		h := newTrialOf(t, cluster, kgo.Dialer(network.DialContext))
		h.timeout = 2 * time.Second // is waited for
		<-time.After(time.Second)   // what was read before is older than what is read from here on
		for _, key := range []kmsg.Key{kmsg.Metadata, kmsg.ListGroups, kmsg.OffsetFetch, kmsg.ListOffsets} {
			h.cluster.Fault(hostile, key, fakekafka.Fault{Corrupt: func(a []byte) []byte { return a[:len(a)-1] }})
			snapshot, started := h.collect(t, h.full)
			h.checkTruth(t, snapshot, started)
			h.checkOthers(t, snapshot, started, h.itself)
			h.cluster.Heal()
		}
	})
}

// Numbers that a broker writes must not decide how much memory is used.
func TestRow23LengthsAllocateNothing(t *testing.T) {
	h := newTrial(t)
	giant := binary.AppendUvarint(nil, math.MaxInt32)
	corruptions := map[string]func([]byte) []byte{
		"1 GiB": func(a []byte) []byte { binary.BigEndian.PutUint32(a, 1<<30); return a },
		"2 GiB": func(a []byte) []byte { binary.BigEndian.PutUint32(a, math.MaxInt32); return a },
	}
	// The arrays of groups, topics and partitions, and the lengths of names, have their place here in one answer or another.
	for _, at := range []int{13, 14, 15, 26, 27, 39} {
		corruptions[fmt.Sprintf("2^31 items at byte %d", at)] = func(a []byte) []byte {
			return sealed(slices.Concat(a[:min(at, len(a))], giant, a[min(at+1, len(a)):]))
		}
	}
	for name, corrupt := range corruptions {
		for _, key := range hostileKeys()[1:] { // but ApiVersions, which the client decodes: 2^31 tags take it a minute
			h.cluster.Fault(hostile, key, fakekafka.Fault{Corrupt: corrupt})
			before := allocated()
			h.read(t, h.full)
			if used := allocated() - before; used > 64<<20 {
				t.Errorf("%s, %s: %d MiB", kmsg.NameForKey(int16(key)), name, used>>20)
			}
			h.cluster.Heal()
		}
	}
}

func allocated() uint64 {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return memory.TotalAlloc
}

// rewritten corrupts by changing the decoded answer.
func (h *trial) rewritten(t testing.TB, key kmsg.Key, change func(kmsg.Response)) func([]byte) []byte {
	t.Helper()
	version, asked := h.versions[key]
	if !asked {
		t.Fatalf("the reader does not ask for %s", kmsg.NameForKey(int16(key)))
	}
	return func(answer []byte) []byte {
		resp := kmsg.ResponseForKey(int16(key))
		resp.SetVersion(version)
		if err := resp.ReadFrom(answer[9:]); err != nil {
			t.Errorf("the fake's own answer: %v", err)
			return answer
		}
		change(resp)
		return sealed(resp.AppendTo(answer[:9:9]))
	}
}

// Answers that can be decoded, and cannot be true.
func TestRow23ImpossibleAnswers(t *testing.T) {
	h := newTrial(t)
	for key, changes := range impossibleAnswers() {
		for _, name := range slices.Sorted(maps.Keys(changes)) {
			t.Run(fmt.Sprintf("%s/%s", kmsg.NameForKey(int16(key)), name), func(t *testing.T) {
				h.cluster.Fault(hostile, key, fakekafka.Fault{Corrupt: h.rewritten(t, key, changes[name])})
				defer h.cluster.Heal()
				for _, by := range []lane{h.full, h.hot} {
					snapshot, started := h.collect(t, by)
					h.checkTruth(t, snapshot, started)
					h.checkOthers(t, snapshot, started, h.answersTo(key))
					h.checkSums(t, snapshot, started)
				}
			})
		}
	}
}

// checkSums fails the test if a group's total is neither unknown nor the truth at its time.
func (h *trial) checkSums(t *testing.T, s *lag.Snapshot, moved time.Time) {
	t.Helper()
	for g := range h.shape.Groups {
		name := h.shape.Group(g)
		got, err := lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{name}, What: name}, time.Now(), time.Minute)
		if err != nil {
			continue
		}
		var before, after int64
		for p := range h.shape.PartitionsPerGroup {
			before += h.shape.Lag(g, p, 0)
			after += h.shape.Lag(g, p, 1)
		}
		want := before
		if !got.ReadAt.Before(moved) {
			want = after
		}
		if got.Lag != want {
			t.Errorf("%s: a total of %d, the truth is %d (%d before)", name, got.Lag, after, before)
			return
		}
	}
}
