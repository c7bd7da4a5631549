package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/members"
)

// transactions leaves a transaction open that has written records, and then one that has committed a group's offsets.
func transactions(ctx context.Context, w *world, lasts time.Duration) error {
	if err := openTransaction(ctx, w, lasts); err != nil {
		return err
	}
	return pendingCommits(ctx, w, lasts)
}

// openTransaction leaves a transaction open on a topic that one group reads as far as it is committed, and another as far as it goes.
func openTransaction(ctx context.Context, w *world, lasts time.Duration) error {
	const topic = "row9"
	p := &plan{ctx: ctx, w: w}
	p.topic(topic, 2, 40)
	p.commit(topic, topic, 2, 3)
	p.commit(topic+load.Committed, topic, 2, 3)
	p.settle(topic, true)
	p.try(func() error { return members.OpenTransaction(ctx, w.java, topic, 30, lasts) })
	p.elapse(lasts / 2)
	p.produce(topic, 20)
	p.elapse(lasts)
	return p.err
}

// What the group lags by whose commits are pending: they would bring it down to 0.
const (
	pendingGroup   = "row9-pending"
	pendingRecords = 40
	pendingLag     = pendingRecords - 2*3
)

// pendingCommits lets a producer die that has sent a group's offsets to its transaction, which is aborted once it has timed out. Until
// then the offsets are unstable to those who want stable ones; that transaction's count at no time.
func pendingCommits(ctx context.Context, w *world, lasts time.Duration) error {
	p := &plan{ctx: ctx, w: w}
	p.topic(pendingGroup, 2, pendingRecords)
	p.commit(pendingGroup, pendingGroup, 2, 3)
	p.settle(pendingGroup, true)
	p.try(func() error {
		return members.PendingCommits(ctx, w.java, pendingGroup, pendingGroup, 2, pendingRecords/2, lasts)
	})
	p.stable(pendingGroup, false)
	p.elapse(lasts / 2)
	p.stable(pendingGroup, true)
	p.elapse(lasts / 2)
	return p.err
}

// stable waits until a group's offsets are stable, or are not.
func (p *plan) stable(group string, wanted bool) {
	p.try(func() error {
		client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(p.w.Kafka.Bootstrap(), ",")...), kgo.DisableClientMetrics())
		if err != nil {
			return err
		}
		defer client.Close()
		return await.Until(p.ctx, fmt.Sprintf("the offsets of %s to be stable: %v", group, wanted), func(ctx context.Context) error {
			err := stableOffsets(ctx, client, group)
			if wanted || err != nil && !errors.Is(err, kerr.UnstableOffsetCommit) {
				return err
			}
			if err == nil {
				return errors.New("the coordinator tells stable ones")
			}
			return nil
		})
	})
}

// stableOffsets asks for a group's offsets as transactional consumers do, and returns why it does not get them.
func stableOffsets(ctx context.Context, client *kgo.Client, group string) error {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.RequireStable = true
	one := kmsg.NewOffsetFetchRequestGroup()
	one.Group = group
	req.Groups = append(req.Groups, one)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	var errs []error
	found := 0
	for _, g := range resp.Groups {
		errs = append(errs, kerr.ErrorForCode(g.ErrorCode))
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				errs = append(errs, kerr.ErrorForCode(p.ErrorCode))
				found++
			}
		}
	}
	if found == 0 {
		errs = append(errs, errors.New("the group has no offsets"))
	}
	return errors.Join(errs...)
}

// pendingCountsNot wants every source to have served the lag without the pending commits, and no other.
func pendingCountsNot(t *testing.T, w *world, seen watched, _ check.Report) {
	t.Helper()
	samples := map[string]int{}
	for _, c := range seen.log.Claims {
		s := seen.log.Series[c.Series]
		if s.Kind != check.Sum || s.Group != pendingGroup {
			continue
		}
		samples[s.Source] += c.Samples
		if c.Value != pendingLag {
			t.Errorf("%s: the lag of %s is %d, not %d", s.Source, pendingGroup, c.Value, pendingLag)
		}
	}
	t.Logf("samples of the lag with pending commits: %v", samples)
	for source := range w.urls() {
		if samples[source] == 0 {
			t.Errorf("%s never had the lag of %s", source, pendingGroup)
		}
	}
}
