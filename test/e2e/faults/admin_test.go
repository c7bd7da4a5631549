package faults

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

// withoutCommits lets two groups with members but without commits live on a topic of which records are deleted.
func withoutCommits(ctx context.Context, w *world, lasts time.Duration) error {
	const topic = "row5"
	p := &plan{ctx: ctx, w: w}
	p.topic(topic, 6, 120)
	for _, group := range []string{topic, topic + load.Earliest} {
		p.try(func() error {
			member, err := w.Workload().Join(group, topic)
			if err == nil {
				context.AfterFunc(ctx, member.Close) // it stays for the rest of the row
			}
			return err
		})
	}
	p.settle(topic, true)
	p.admin(func(ctx context.Context, admin *kadm.Client) error {
		var before kadm.Offsets
		for partition := range int32(3) {
			before.AddOffset(topic, partition, 5, -1)
		}
		deleted, err := admin.DeleteRecords(ctx, before)
		if err == nil {
			err = deleted.Error()
		}
		return err
	})
	p.produce(topic, 30)
	p.elapse(lasts)
	return p.err
}

// groupDeleted deletes a group that the metrics API is asked for.
func groupDeleted(ctx context.Context, w *world, lasts time.Duration) error {
	const group = "row6"
	p := &plan{ctx: ctx, w: w}
	p.topic(group, 6, 60)
	p.commit(group, group, 6, 1)
	p.settle(group, true)
	p.answers(group, true)
	p.admin(func(ctx context.Context, admin *kadm.Client) error {
		_, err := admin.DeleteGroup(ctx, group)
		return err
	})
	p.settle(group, false)
	p.answers(group, false)
	p.elapse(lasts)
	return p.err
}

// topicAnew creates a topic again with fewer records than a group has committed, lets it commit that once more, and the topic grow
// beyond.
func topicAnew(ctx context.Context, w *world, lasts time.Duration) error {
	const topic = "row7"
	p := &plan{ctx: ctx, w: w}
	p.topic(topic, 2, 60)
	p.commit(topic, topic, 2, 25)
	p.settle(topic, true)
	p.remove(topic)
	p.topic(topic, 2, 8)
	p.commit(topic, topic, 2, 25)
	p.settle(topic, false)
	p.elapse(lasts)
	p.produce(topic, 92)
	p.elapse(lasts)
	p.commit(topic, topic, 2, 30)
	p.settle(topic, true)
	p.elapse(lasts)
	return p.err
}

// topicChanges adds partitions to a topic that is read, and deletes it.
func topicChanges(ctx context.Context, w *world, lasts time.Duration) error {
	const topic = "row8"
	p := &plan{ctx: ctx, w: w}
	p.topic(topic, 6, 60)
	p.commit(topic, topic, 6, 1)
	p.settle(topic, true)
	p.admin(func(ctx context.Context, admin *kadm.Client) error {
		_, err := admin.UpdatePartitions(ctx, 12, topic)
		return err
	})
	p.elapse(lasts)
	p.produce(topic, 60)
	p.elapse(lasts)
	p.remove(topic)
	p.settle(topic, false)
	p.elapse(lasts)
	return p.err
}

// flapping lets 20 members come to a group and go again, one every 300 ms.
func flapping(ctx context.Context, w *world, lasts time.Duration) error {
	const topic = "row26"
	p := &plan{ctx: ctx, w: w}
	p.topic(topic, 12, 240)
	if p.err != nil {
		return p.err
	}
	const most = 20
	var members [most]*workload.Consumer
	defer func() {
		for _, m := range members {
			if m != nil {
				m.Close()
			}
		}
	}()
	for began := time.Now(); time.Since(began) < lasts; {
		i := rand.IntN(most)
		if members[i] == nil {
			member, err := w.Workload().Join(topic, topic)
			if err != nil {
				return err
			}
			members[i] = member
		} else {
			members[i].Close()
			members[i] = nil
		}
		if err := elapse(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// goneGroups are those that a row has deleted, or whose topic it has.
func goneGroups(group string) bool {
	_, ofKinds := newKinds()[group]
	return group == "row6" || group == "row8" || ofKinds
}
