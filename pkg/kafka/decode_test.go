package kafka

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// everyVersion runs f for every version of every kind, each with its own source of randomness.
func everyVersion(t *testing.T, f func(t *testing.T, k decodeKind, version int16, r *rand.Rand)) {
	for _, k := range decodeKinds() {
		for version := range k.maxVersion + 1 {
			t.Run(k.name+"/v"+strconv.Itoa(int(version)), func(t *testing.T) {
				f(t, k, version, rand.New(rand.NewPCG(uint64(version), 1)))
			})
		}
	}
}

func TestDecodeReadsWhatKmsgReads(t *testing.T) {
	everyVersion(t, func(t *testing.T, k decodeKind, version int16, r *rand.Rand) {
		for range 100 {
			body := k.random(r, version)
			if err := k.check(t, version, body); err != nil {
				t.Fatalf("%v\n%x", err, body)
			}
		}
	})
}

func TestDecodeReadsEveryMember(t *testing.T) {
	k := membersKind()
	r := rand.New(rand.NewPCG(1, 2))
	for version := range k.maxVersion + 1 {
		for range 50 {
			resp := k.request(version).ResponseKind().(*membersResponse)
			if err := resp.ReadFrom(k.random(r, version)); err != nil {
				t.Fatal(err)
			}
			groups, err := resp.decode(anyName, nil, anyTopic, &memberCache{})
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range groups {
				if g.Err != nil {
					t.Errorf("v%d: %v", version, g.Err)
				}
			}
		}
	}
}

func TestDecodeRefusesTruncatedAndOverlongAnswers(t *testing.T) {
	everyVersion(t, func(t *testing.T, k decodeKind, version int16, r *rand.Rand) {
		body := k.random(r, version)
		for len(body) > 2000 || len(body) < 100 {
			body = k.random(r, version)
		}
		for n := range body {
			if err := k.check(t, version, body[:n]); !errors.Is(err, errMalformed) {
				t.Fatalf("%d of %d bytes: %v", n, len(body), err)
			}
		}
		if err := k.check(t, version, append(slices.Clone(body), 0)); !errors.Is(err, errMalformed) {
			t.Fatalf("a byte too many: %v", err)
		}
	})
}

// Whatever bytes a length is made of (negative, huge, of another field), either both read the same or we refuse.
func TestDecodeOfCorruptedAnswers(t *testing.T) {
	everyVersion(t, func(t *testing.T, k decodeKind, version int16, r *rand.Rand) {
		for range 20 {
			body := k.random(r, version)
			for range 20 {
				corrupt := slices.Clone(body)
				at := r.IntN(len(corrupt))
				copy(corrupt[at:], [][]byte{{0xff, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0}, {0x7f, 0xff, 0xff, 0xff}, {0}, {0xff, 0xff, 0xff, 0xff, 0x0f}, {byte(r.Uint32())}}[r.IntN(6)])
				_ = k.check(t, version, corrupt) // what is wrong, check reports by itself
			}
		}
	})
}

// allocated returns how many bytes f allocates, at least: other goroutines may do so meanwhile.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	least := ^uint64(0)
	for range 3 {
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

func TestDecodeAllocatesNoMoreThanTheInputJustifies(t *testing.T) {
	const size = 100
	lengths := map[string][]byte{
		"2^31-1": {0x7f, 0xff, 0xff, 0xff}, "2^24": {1, 0, 0, 0}, "-2": {0xff, 0xff, 0xff, 0xfe}, "varint": {0xff, 0xff, 0xff, 0xff, 0x07},
	}
	everyVersion(t, func(t *testing.T, k decodeKind, version int16, _ *rand.Rand) {
		for name, length := range lengths {
			for at := range size - len(length) {
				body := bytes.Repeat([]byte{1}, size)
				copy(body[at:], length)
				got := allocated(func() {
					resp := k.request(version).ResponseKind()
					if resp.ReadFrom(body) == nil {
						_, _ = k.ours(resp)
					}
				})
				if got > 16<<10 {
					t.Fatalf("%s at byte %d: %d bytes allocated for %d", name, at, got, size)
				}
			}
		}
	})
}

func TestDecodeSkipsWhatIsNotWanted(t *testing.T) {
	for _, version := range []int16{0, 4, 7, 8, 9} {
		resp := kmsg.NewPtrOffsetFetchResponse()
		resp.Version = version
		for _, group := range []string{"a", "b", "c"} {
			g := kmsg.NewOffsetFetchResponseGroup()
			g.Group = group
			for _, topic := range []string{"x", "y"} {
				gt := kmsg.NewOffsetFetchResponseGroupTopic()
				gt.Topic = topic
				for _, n := range []int32{2, 0, 1} {
					p := kmsg.NewOffsetFetchResponseGroupTopicPartition()
					p.Partition, p.Offset, p.Metadata = n, int64(n)*10, kmsg.StringPtr("note")
					gt.Partitions = append(gt.Partitions, p)
				}
				g.Topics = append(g.Topics, gt)
			}
			resp.Groups = append(resp.Groups, g)
		}
		for _, topic := range resp.Groups[0].Topics {
			old := kmsg.NewOffsetFetchResponseTopic()
			old.Topic = topic.Topic
			for _, p := range topic.Partitions {
				one := kmsg.NewOffsetFetchResponseTopicPartition()
				one.Partition, one.Offset, one.Metadata = p.Partition, p.Offset, p.Metadata
				old.Partitions = append(old.Partitions, one)
			}
			resp.Topics = append(resp.Topics, old)
		}
		ours := commitsRequest{&kmsg.OffsetFetchRequest{Version: version}}.ResponseKind().(*commitsResponse)
		if err := ours.ReadFrom(resp.AppendTo(nil)); err != nil {
			t.Fatal(err)
		}
		got, err := ours.decode(decodeAsked([]string{"c", "a"}), decodeAsked([]string{"y"}), testCodeErr, nil)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, g := range got {
			names = append(names, g.Group)
			if len(g.Topics) != 1 || g.Topics[0].Topic != "y" || len(g.Topics[0].Partitions) != 3 {
				t.Errorf("v%d: %+v", version, g)
				continue
			}
			for i, p := range g.Topics[0].Partitions {
				if p.Partition != int32(i) || p.Offset != int64(i)*10 {
					t.Errorf("v%d: partition %+v at %d", version, p, i)
				}
			}
		}
		want := []string{"a", "c"}
		if version < offsetFetchGroups {
			want = []string{""}
		}
		if !slices.Equal(names, want) {
			t.Errorf("v%d: groups %q, want %q", version, names, want)
		}
	}
}

func FuzzDecodeOffsetFetch(f *testing.F)           { fuzzDecode(f, commitsKind()) }
func FuzzDecodeListOffsets(f *testing.F)           { fuzzDecode(f, endsKind()) }
func FuzzDecodeMetadata(f *testing.F)              { fuzzDecode(f, metadataKind()) }
func FuzzDecodeDescribeGroups(f *testing.F)        { fuzzDecode(f, membersKind()) }
func FuzzDecodeConsumerGroupDescribe(f *testing.F) { fuzzDecode(f, consumerMembersKind()) }

func fuzzDecode(f *testing.F, k decodeKind) {
	for version := range k.maxVersion + 1 {
		r := rand.New(rand.NewPCG(uint64(version), 3))
		for range 3 {
			f.Add(uint8(version), k.random(r, version))
		}
		f.Add(uint8(version), bytes.Repeat([]byte{0xff}, 50))
		f.Add(uint8(version), []byte{})
	}
	f.Fuzz(func(t *testing.T, version uint8, body []byte) {
		_ = k.check(t, int16(version)%(k.maxVersion+1), body) // what is wrong, check reports by itself
	})
}
