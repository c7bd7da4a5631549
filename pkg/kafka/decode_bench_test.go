package kafka

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The size of one broker's share of a million group-partitions.
const (
	benchGroups     = 3333
	benchPartitions = 100
)

// benchBody is an answer with benchGroups × benchPartitions rows: a topic for each group.
func benchBody(resp kmsg.Response) []byte {
	for i := range benchGroups {
		group, topic := fmt.Sprintf("group-%04d", i), fmt.Sprintf("topic-%04d", i)
		switch r := resp.(type) {
		case *kmsg.OffsetFetchResponse:
			t := kmsg.OffsetFetchResponseGroupTopic{Topic: topic}
			for p := range int32(benchPartitions) {
				t.Partitions = append(t.Partitions, kmsg.OffsetFetchResponseGroupTopicPartition{
					Partition: p, Offset: int64(p) * 1000, LeaderEpoch: 3, Metadata: kmsg.StringPtr(""),
				})
			}
			r.Groups = append(r.Groups, kmsg.OffsetFetchResponseGroup{Group: group, Topics: []kmsg.OffsetFetchResponseGroupTopic{t}})
		case *kmsg.ListOffsetsResponse:
			t := kmsg.ListOffsetsResponseTopic{Topic: topic}
			for p := range int32(benchPartitions) {
				t.Partitions = append(t.Partitions, kmsg.ListOffsetsResponseTopicPartition{Partition: p, Offset: int64(p) * 1000, LeaderEpoch: 3})
			}
			r.Topics = append(r.Topics, t)
		case *kmsg.MetadataResponse:
			t := kmsg.MetadataResponseTopic{Topic: &topic}
			for p := range int32(benchPartitions) {
				t.Partitions = append(t.Partitions, kmsg.MetadataResponseTopicPartition{Partition: p, Leader: p % 3, Replicas: []int32{0, 1, 2}, ISR: []int32{0, 1, 2}})
			}
			r.Topics = append(r.Topics, t)
		case *kmsg.DescribeGroupsResponse:
			g := kmsg.DescribeGroupsResponseGroup{Group: group, State: "Stable", ProtocolType: consumerProtocol, Protocol: "range"}
			var assigned []int32
			for p := range int32(benchPartitions) {
				assigned = append(assigned, p)
			}
			g.Members = append(g.Members, kmsg.DescribeGroupsResponseGroupMember{
				MemberID: "consumer-" + group, ClientID: "consumer", ClientHost: "/10.1.2.3",
				ProtocolMetadata: (&kmsg.ConsumerMemberMetadata{Topics: []string{topic}}).AppendTo(nil),
				MemberAssignment: (&kmsg.ConsumerMemberAssignment{
					Topics: []kmsg.ConsumerMemberAssignmentTopic{{Topic: topic, Partitions: assigned}},
				}).AppendTo(nil),
			})
			r.Groups = append(r.Groups, g)
		}
	}
	return resp.AppendTo(nil)
}

// BenchmarkDecode compares reading an answer into rows with kmsg's reading of it. Both have the names already, as in every
// poll but the first. DescribeGroups is read as in a poll in which no group changed, and as in the first one.
func BenchmarkDecode(b *testing.B) {
	names := make(map[string]string)
	for i := range benchGroups {
		for _, format := range []string{"group-%04d", "topic-%04d"} {
			name := fmt.Sprintf(format, i)
			names[name] = name
		}
	}
	known := func(name []byte) (string, bool) {
		canonical, ok := names[string(name)]
		return canonical, ok
	}
	var cache memberCache
	decode := map[string]func(resp kmsg.Response) error{
		"OffsetFetch": func(resp kmsg.Response) error {
			_, err := resp.(*commitsResponse).decode(known, known, testCodeErr, nil)
			return err
		},
		"ListOffsets": func(resp kmsg.Response) error {
			_, err := resp.(*endsResponse).decode(known)
			return err
		},
		"Metadata": func(resp kmsg.Response) error {
			_, err := resp.(*metadataResponse).decode(known)
			return err
		},
		"DescribeGroups": func(resp kmsg.Response) error {
			_, err := resp.(*membersResponse).decode(known, nil, anyTopic, &cache)
			return err
		},
	}
	for _, k := range []decodeKind{commitsKind(), endsKind(), metadataKind(), membersKind()} {
		theirs := k.theirs()
		theirs.SetVersion(k.maxVersion)
		body := benchBody(theirs)
		ours := func() error {
			resp := k.request(k.maxVersion).ResponseKind()
			if err := resp.ReadFrom(body); err != nil {
				return err
			}
			return decode[k.name](resp)
		}
		b.Run(k.name+"/ours", func(b *testing.B) { benchDecode(b, ours) })
		if k.name == "DescribeGroups" {
			b.Run(k.name+"/ours-first", func(b *testing.B) {
				benchDecode(b, func() error {
					cache.retain(func(string) bool { return false })
					return ours()
				})
			})
		}
		b.Run(k.name+"/kmsg", func(b *testing.B) {
			benchDecode(b, func() error {
				resp := k.theirs()
				resp.SetVersion(k.maxVersion)
				return resp.ReadFrom(body)
			})
		})
	}
}

func benchDecode(b *testing.B, decode func() error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		if err := decode(); err != nil {
			b.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	rows := float64(b.N) * benchGroups * benchPartitions
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/rows, "ns/row")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/rows, "allocs/row")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/rows, "B/row")
}
