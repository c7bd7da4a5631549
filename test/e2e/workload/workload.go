// Package workload produces and consumes records as the applications of a
// cluster would.
package workload

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
)

// Kafka is a cluster to work with.
type Kafka struct {
	Bootstrap string    // comma-separated addresses
	Options   []kgo.Opt // of every client, such as for authentication
}

func (k Kafka) client(opts ...kgo.Opt) (*kgo.Client, error) {
	all := append([]kgo.Opt{kgo.SeedBrokers(strings.Split(k.Bootstrap, ",")...), kgo.DisableClientMetrics()}, k.Options...)
	return kgo.NewClient(append(all, opts...)...)
}

// Admin does something by the admin API: what Topics and Commits do not cover.
func (k Kafka) Admin(do func(*kadm.Client) error) error {
	client, err := k.client()
	if err != nil {
		return fmt.Errorf("connecting to Kafka: %w", err)
	}
	defer client.Close()
	return do(kadm.NewClient(client))
}

// CreateTopic creates a topic of three replicas, or one where Kafka has fewer
// brokers, and waits until all its partitions have a leader.
func (k Kafka) CreateTopic(ctx context.Context, topic string, partitions int32) error {
	return k.Admin(func(admin *kadm.Client) error {
		brokers, err := admin.BrokerMetadata(ctx)
		if err != nil {
			return fmt.Errorf("creating topic %s: %w", topic, err)
		}
		replicas := int16(min(3, len(brokers.Brokers)))
		if _, err := admin.CreateTopic(ctx, partitions, replicas, nil, topic); err != nil {
			return fmt.Errorf("creating topic %s: %w", topic, err)
		}
		return waitForLeaders(ctx, admin, topic, int(partitions))
	})
}

// Produce writes n records to a topic, spread over its partitions, and returns
// once all its replicas have them.
func (k Kafka) Produce(ctx context.Context, topic string, n int) error {
	client, err := k.client(kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		return fmt.Errorf("connecting to Kafka: %w", err)
	}
	defer client.Close()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = kgo.StringRecord(fmt.Sprintf("record %d", i))
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("producing to %s: %w", topic, err)
	}
	return nil
}

// Commit sets a group's offsets in the partitions of a topic, as a group does
// that only commits. The group has no member then. The group's coordinator may
// hear of a new topic later than the topic's leaders do: it is waited for.
func (k Kafka) Commit(ctx context.Context, group, topic string, offsets map[int32]int64) error {
	commits := kadm.Offsets{}
	for partition, offset := range offsets {
		commits.AddOffset(topic, partition, offset, -1)
	}
	return k.Admin(func(admin *kadm.Client) error {
		var err error
		late := await.Until(ctx, fmt.Sprintf("the coordinator of %s to know %s", group, topic), func(ctx context.Context) error {
			if err = admin.CommitAllOffsets(ctx, group, commits); errors.Is(err, kerr.UnknownTopicOrPartition) {
				return err
			}
			return nil
		})
		if late != nil {
			return late
		}
		if err != nil {
			return fmt.Errorf("committing for %s: %w", group, err)
		}
		return nil
	})
}

// Consume joins a group, reads n records of a topic from the group's commits
// on (or the topic's start), commits exactly these, and leaves.
func (k Kafka) Consume(ctx context.Context, group, topic string, n int) error {
	c, err := k.Join(group, topic)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Consume(ctx, n)
}

// Consumer is a member of a group.
type Consumer struct {
	client *kgo.Client
}

// Join starts a member of a group. It joins in the background and keeps
// heartbeating until Close; it reads and commits only what Consume is asked for.
// opts are further kgo options: kgo.ClientID, kgo.InstanceID, FromIP.
func (k Kafka) Join(group, topic string, opts ...kgo.Opt) (*Consumer, error) {
	client, err := k.client(append([]kgo.Opt{
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
	}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("joining %s: %w", group, err)
	}
	return &Consumer{client: client}, nil
}

// FromIP lets a client's connections come from ip, such as its pod's: this is
// then the client host that Kafka reports.
func FromIP(ip string) kgo.Opt {
	dialer := &net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	return kgo.Dialer(dialer.DialContext)
}

// Consume reads n records and commits them.
func (c *Consumer) Consume(ctx context.Context, n int) error {
	for n > 0 {
		fetched := c.client.PollRecords(ctx, n)
		if err := fetched.Err(); err != nil {
			return fmt.Errorf("consuming, %d records to go: %w", n, err)
		}
		records := fetched.Records()
		if err := c.client.CommitRecords(ctx, records...); err != nil {
			return fmt.Errorf("committing %d records: %w", len(records), err)
		}
		n -= len(records)
	}
	return nil
}

// Close leaves the group.
func (c *Consumer) Close() { c.client.Close() }

func waitForLeaders(ctx context.Context, admin *kadm.Client, topic string, partitions int) error {
	return await.Until(ctx, "the leaders of "+topic, func(ctx context.Context) error {
		topics, err := admin.ListTopics(ctx, topic)
		if err != nil {
			return err
		}
		detail := topics[topic]
		if detail.Err != nil {
			return detail.Err
		}
		var missing []error
		if len(detail.Partitions) != partitions {
			missing = append(missing, fmt.Errorf("%d of %d partitions", len(detail.Partitions), partitions))
		}
		for _, p := range detail.Partitions {
			if p.Err != nil {
				missing = append(missing, fmt.Errorf("partition %d: %w", p.Partition, p.Err))
			}
		}
		return errors.Join(missing...)
	})
}
