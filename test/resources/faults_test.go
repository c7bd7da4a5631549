package resources

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// fault is something that begins and ends.
type fault struct {
	name       string
	begin, end func(context.Context, *fakekafka.Cluster) error
}

func allFaults() []fault {
	return []fault{
		answers("hangs", 1, fakekafka.Fault{Hang: true}, allKeys()...),
		answers("hangs at log ends", 2, fakekafka.Fault{Hang: true}, kmsg.ListOffsets),
		answers("closes connections", 3, fakekafka.Fault{Close: true}, allKeys()...),
		answers("closes connections at commits", 1, fakekafka.Fault{Close: true}, kmsg.OffsetFetch),
		answers("resets connections", 2, fakekafka.Fault{Reset: true}, allKeys()...),
		answers("is slow", 3, fakekafka.Fault{Delay: 5 * time.Millisecond}, allKeys()...),
		answers("is too slow", 1, fakekafka.Fault{Delay: time.Second}, allKeys()...),
		answers("sends garbage", 2, corrupt(garbage), allKeys()...),
		answers("sends garbage in lists", 3, corrupt(garbage), kmsg.ListGroups),
		answers("sends half of each answer", 1, corrupt(half), allKeys()...),
		answers("sends other answers", 2, corrupt(otherCorrelation), kmsg.OffsetFetch, kmsg.ListOffsets),
		{
			"a broker is away",
			func(_ context.Context, c *fakekafka.Cluster) error { return c.Stop(2) },
			func(ctx context.Context, c *fakekafka.Cluster) error {
				return eventually(ctx, func() error { return c.Start(2, c.Addresses()[1]) }) // unless someone took the port meanwhile
			},
		},
		{
			"a broker moves",
			func(_ context.Context, c *fakekafka.Cluster) error { return c.Stop(3) },
			func(_ context.Context, c *fakekafka.Cluster) error { return c.Start(3, "") },
		},
		changes("groups are deleted and created", func(s *fakekafka.Shape) { s.Groups -= 3 }, func(s *fakekafka.Shape) { s.Groups += 3 }),
		changes("leaders move", func(s *fakekafka.Shape) { s.Moved++ }, func(s *fakekafka.Shape) { s.Moved++ }),
	}
}

func allKeys() []kmsg.Key {
	return []kmsg.Key{kmsg.ApiVersions, kmsg.Metadata, kmsg.FindCoordinator, kmsg.ListGroups, kmsg.DescribeGroups, kmsg.ConsumerGroupDescribe,
		kmsg.ShareGroupDescribe, kmsg.StreamsGroupDescribe, kmsg.OffsetFetch, kmsg.DescribeShareGroupOffsets, kmsg.ListOffsets}
}

// answers makes a broker answer wrongly to these requests.
func answers(name string, node int32, how fakekafka.Fault, keys ...kmsg.Key) fault {
	return fault{
		"a broker " + name,
		func(_ context.Context, c *fakekafka.Cluster) error {
			for _, key := range keys {
				c.Fault(node, key, how)
			}
			return nil
		},
		func(_ context.Context, c *fakekafka.Cluster) error {
			c.Heal()
			return nil
		},
	}
}

func changes(name string, begin, end func(*fakekafka.Shape)) fault {
	change := func(how func(*fakekafka.Shape)) func(context.Context, *fakekafka.Cluster) error {
		return func(_ context.Context, c *fakekafka.Cluster) error {
			shape := c.Shape()
			how(&shape)
			c.Change(shape)
			return nil
		}
	}
	return fault{name, change(begin), change(end)}
}

func corrupt(how func(answer []byte) []byte) fakekafka.Fault { return fakekafka.Fault{Corrupt: how} }

// garbage keeps the length and the correlation id.
func garbage(answer []byte) []byte {
	for i := 8; i < len(answer); i++ {
		answer[i] = byte(i*167 + 13)
	}
	return answer
}

// half tells the length of the whole, so that the rest is waited for.
func half(answer []byte) []byte { return answer[:len(answer)/2] }

func otherCorrelation(answer []byte) []byte {
	binary.BigEndian.PutUint32(answer[4:], binary.BigEndian.Uint32(answer[4:])+1)
	return answer
}
