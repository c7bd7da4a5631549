package faults

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
)

// plan is what a fault does, step by step: after one that failed, the others do nothing.
type plan struct {
	ctx context.Context //nolint:containedctx // a plan lives within one call
	w   *world
	err error
}

func (p *plan) try(step func() error) {
	if p.err == nil {
		p.err = step()
	}
}

// topic makes a topic with records in it.
func (p *plan) topic(name string, partitions int32, records int) {
	p.try(func() error { return p.w.Workload().CreateTopic(p.ctx, name, partitions) })
	p.produce(name, records)
}

func (p *plan) produce(topic string, records int) {
	p.try(func() error { return p.w.Workload().Produce(p.ctx, topic, records) })
}

// commit sets a group's offset on the first partitions of a topic.
func (p *plan) commit(group, topic string, partitions int32, offset int64) {
	p.try(func() error {
		offsets := map[int32]int64{}
		for i := range partitions {
			offsets[i] = offset
		}
		return p.w.Workload().Commit(p.ctx, group, topic, offsets)
	})
}

func (p *plan) admin(do func(context.Context, *kadm.Client) error) {
	p.try(func() error {
		return p.w.Workload().Admin(func(admin *kadm.Client) error { return do(p.ctx, admin) })
	})
}

func (p *plan) remove(topic string) {
	p.admin(func(ctx context.Context, admin *kadm.Client) error {
		_, err := admin.DeleteTopic(ctx, topic)
		return err
	})
}

// settle waits until /metrics shows the sum of a group, or does not show it.
func (p *plan) settle(group string, shown bool) {
	p.try(func() error {
		return await.Until(p.ctx, fmt.Sprintf("the sum of %s to be shown: %v", group, shown), func(ctx context.Context) error {
			return p.w.shows(ctx, group, shown)
		})
	})
}

// answers waits until the metrics API has a value for a group, or says that there is no such.
func (p *plan) answers(group string, there bool) {
	p.try(func() error {
		return await.Until(p.ctx, fmt.Sprintf("the metrics API to know %s: %v", group, there), func(ctx context.Context) error {
			out, err := p.w.ControlPlane.Kubectl(ctx, "get", "--raw",
				"/apis/external.metrics.k8s.io/v1beta1/namespaces/default/"+load.Metric+"?labelSelector=consumergroup%3D"+group)
			if there == (err == nil) && (there || strings.Contains(err.Error(), "(NotFound)")) {
				return nil
			}
			return fmt.Errorf("it answers %s, %w", out, err)
		})
	})
}

func (p *plan) elapse(d time.Duration) {
	p.try(func() error { return elapse(p.ctx, d) })
}
