package traffic

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWaveIsBoundedAndMoves(t *testing.T) {
	low, high := Wave(0), Wave(0)
	for at := time.Duration(0); at < 10*time.Minute; at += 100 * time.Millisecond {
		low, high = min(low, Wave(at)), max(high, Wave(at))
	}
	if low < 1 || high > 500 || high < 10*low {
		t.Errorf("from %.0f to %.0f records/s", low, high)
	}
}

// wait polls until the condition holds.
func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		case <-ticker.C:
		}
	}
}

// The lag that the traffic reports is the one that Kafka has, and consumers that come and go leave nothing behind.
func TestLagIsThatOfKafka(t *testing.T) {
	const stopAfter = time.Second
	traffic, err := Start(Config{
		Topic: "orders", Partitions: 4, Group: "orders", ConsumerRate: 200, Logger: slog.New(slog.DiscardHandler),
		Rate: func(elapsed time.Duration) float64 {
			if elapsed > stopAfter {
				return 0
			}
			return 300
		},
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer traffic.Close()
	wait(t, "records are consumed", func() bool { return traffic.Totals().Consumed > 0 })
	if err := traffic.Resize(3); err != nil {
		t.Fatal(err)
	}
	if got := traffic.Consumers(); !slices.Equal(got, []string{"consumer-0", "consumer-1", "consumer-2"}) {
		t.Fatal(got)
	}
	wait(t, "all is consumed", func() bool { now := traffic.Totals(); return now.Produced > 200 && now.Lag() == 0 })
	if err := traffic.Resize(0); err != nil {
		t.Fatal(err)
	}

	client, err := kgo.NewClient(kgo.SeedBrokers(traffic.Brokers()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	wait(t, "the members have left", func() bool {
		groups, err := admin.DescribeGroups(t.Context(), "orders")
		return err == nil && len(groups["orders"].Members) == 0
	})
	commits, err := admin.FetchOffsets(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	ends, err := admin.ListEndOffsets(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	var produced, consumed int64
	ends.Each(func(o kadm.ListedOffset) { produced += o.Offset })
	commits.Each(func(o kadm.OffsetResponse) { consumed += o.At })
	if got := (Totals{Produced: produced, Consumed: consumed}); got != traffic.Totals() {
		t.Errorf("Kafka has %+v, the traffic says %+v", got, traffic.Totals())
	}
}
