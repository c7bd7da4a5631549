package faults

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/members"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
)

const kindsTopic = "row10"

// newKinds are groups of each kind, and what Kafka says of each: its type, and its protocol type, of classic groups only.
func newKinds() map[string]oracle.Group {
	return map[string]oracle.Group{
		"row10-classic":  {Type: "Classic", Protocol: "consumer"},
		"row10-connect":  {Type: "Classic", Protocol: "connect"},
		"row10-consumer": {Type: "Consumer", Protocol: "consumer"},
		"share-row10":    {Type: "Share", Protocol: "share"},
		"row10-streams":  {Type: "Streams", Protocol: "streams"},
	}
}

// kinds lets groups of each kind come to be, read, rebalance, lose their members, and be deleted.
func kinds(ctx context.Context, w *world, lasts time.Duration) error {
	p := &plan{ctx: ctx, w: w}
	p.topic(kindsTopic, 3, 90)
	java, err := members.Start(w.java)
	if err != nil {
		return err
	}
	defer java.Close() // its members have left by then, unless something else failed
	leave := p.joinKinds(java, 4)
	for group, want := range newKinds() {
		p.settle(group, true)
		p.answers(group, true)
		p.listed(group, want)
	}
	p.elapse(lasts)
	more := p.joinKinds(java, 0) // a rebalance each
	p.produce(kindsTopic, 30)
	p.elapse(lasts)
	for _, leave := range slices.Concat(more, leave) {
		p.try(leave)
	}
	for _, group := range []string{"row10-consumer", "share-row10", "row10-streams"} {
		p.try(func() error { return java.Leave(ctx, group) })
	}
	for group := range newKinds() {
		p.empty(group)
		p.settle(group, true)
	}
	p.elapse(lasts)
	for group := range newKinds() {
		p.deleteGroup(group)
		p.settle(group, false)
		p.answers(group, false)
	}
	return p.err
}

// joinKinds adds a member to a group of each kind, which reads that many records. It returns what has the members leave that are not Java's.
func (p *plan) joinKinds(java *members.Members, records int) (leave []func() error) {
	p.try(func() error {
		classic, err := p.w.Workload().Join("row10-classic", kindsTopic)
		if err != nil {
			return err
		}
		leave = append(leave, func() error { classic.Close(); return nil })
		return classic.Consume(p.ctx, records)
	})
	if records > 0 { // Connect's own workers commit nothing; a group of theirs has commits from before
		p.commit("row10-connect", kindsTopic, 3, 5)
		p.try(func() error {
			worker, err := members.JoinConnect(p.ctx, strings.Split(p.w.Kafka.Bootstrap(), ","), "row10-connect")
			if err == nil {
				leave = append(leave, func() error { return worker.Leave(p.ctx) })
			}
			return err
		})
	}
	for kind, group := range map[string]string{members.Consumer: "row10-consumer", members.Share: "share-row10", members.Streams: "row10-streams"} {
		p.try(func() error { return java.Join(p.ctx, kind, group, kindsTopic, records) })
	}
	return leave
}

// listed waits until Kafka's own client lists a group as what it is meant to be: else the row would show nothing.
func (p *plan) listed(group string, want oracle.Group) {
	p.describe(group, fmt.Sprintf("%s to be of type %s and protocol %s", group, want.Type, want.Protocol), func(g oracle.Group) bool {
		return g.Type == want.Type && g.Protocol == want.Protocol && len(g.Members) > 0
	})
}

// empty waits until a group has lost all its members.
func (p *plan) empty(group string) {
	p.describe(group, group+" to be empty", func(g oracle.Group) bool { return len(g.Members) == 0 })
}

func (p *plan) describe(group, what string, is func(oracle.Group) bool) {
	p.try(func() error {
		return await.Until(p.ctx, what, func(ctx context.Context) error {
			groups, err := p.w.Oracle.Groups(ctx)
			if err != nil {
				return err
			}
			for _, g := range groups {
				if g.Group == group && is(g) {
					return nil
				}
			}
			return fmt.Errorf("%+v", groups)
		})
	})
}

func (p *plan) deleteGroup(group string) {
	p.admin(func(ctx context.Context, admin *kadm.Client) error {
		return await.Until(ctx, group+" to be deleted", func(ctx context.Context) error { // a coordinator may not have settled yet
			_, err := admin.DeleteGroup(ctx, group)
			return err
		})
	})
}

// eachKindKnown wants every source to have served sums of each of the groups, by the requests that are for its kind: the others of
// these give nothing for it, or another lag.
func eachKindKnown(t *testing.T, w *world, seen watched, _ check.Report) {
	t.Helper()
	sums := map[string]int{}
	for _, c := range seen.log.Claims {
		if s := seen.log.Series[c.Series]; s.Kind == check.Sum && s.Topic == kindsTopic {
			sums[s.Source+" "+s.Group]++
		}
	}
	t.Logf("different sums of the new groups: %v", sums)
	for source := range w.urls() {
		for group := range newKinds() {
			if sums[source+" "+group] == 0 {
				t.Errorf("%s never had the sum of %s", source, group)
			}
		}
	}
}
