package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// resetConfig is the configuration of a share group (KIP-932) that says where it starts. Any broker knows it.
const resetConfig = "share.auto.offset.reset"

var errNoResetConfig = errors.New("the broker does not tell the " + resetConfig + " of the group")

// policy returns the policy of a group; start is what its brokers say.
func (c *collection) policy(group string, kind lag.GroupType, start lag.ShareStart) lag.Policy {
	return c.reader.cfg.Policy.Of(group).For(kind, start)
}

// policyNow is the policy of a group by what was read now or, if it was not, before.
func (c *collection) policyNow(g *lag.GroupObservation) lag.Policy {
	start := g.Start
	if g.Type == lag.GroupShare && start.ReadAt.IsZero() {
		if old := c.old(g.Name); old != nil {
			start = old.Start
		}
	}
	return c.policy(g.Name, g.Type, start)
}

// readShareStarts reads where the share groups start for which it is time to, all at once. Single groups have what the last Read
// has found.
func (c *collection) readShareStarts(ctx context.Context) {
	var due []*lag.GroupObservation
	for _, part := range c.parts {
		for i := range part {
			if g := &part[i]; g.Type == lag.GroupShare && c.shareStartDue(g.Name) {
				due = append(due, g)
			}
		}
	}
	if c.obs.Partial || len(due) == 0 {
		return
	}
	slices.SortFunc(due, func(a, b *lag.GroupObservation) int { return cmp.Compare(a.Name, b.Name) })
	asked := expect(noBroker, "DescribeConfigs", due, func(g *lag.GroupObservation, err error) { g.Start.Err = err })
	readAt := time.Now()
	names := namesOf(due)
	resp, err := askAny(ctx, c, func() kmsg.Request { return shareStartsRequest(names) },
		func(resp kmsg.Response) (*kmsg.DescribeConfigsResponse, error) {
			return resp.(*kmsg.DescribeConfigsResponse), nil
		})
	if err != nil {
		asked.fail(due, err)
		return
	}
	for i := range resp.Resources {
		answer := &resp.Resources[i]
		if answer.ResourceType != kmsg.ConfigResourceTypeGroupConfig {
			continue
		}
		g := asked.group(answer.ResourceName, codeError(noBroker, (*kmsg.DescribeConfigsRequest)(nil), answer.ErrorCode))
		if g == nil {
			continue
		}
		if g.Start.Reset, g.Start.Err = resetOf(answer); g.Start.Err == nil {
			g.Start.ReadAt = readAt
		}
	}
}

// shareStartDue says whether it is time to read where a share group starts. What could not be read is not tried more often.
func (c *collection) shareStartDue(group string) bool {
	old := c.old(group)
	if old == nil || old.Start.ReadAt.IsZero() && old.Start.Err == nil {
		return true
	}
	last := old.Start.ReadAt
	if old.Start.Err != nil {
		last = c.prev.TakenAt
	}
	return c.reader.slow.due(last, c.obs.StartedAt, c.reader.slow.hash(group))
}

func shareStartsRequest(groups []string) *kmsg.DescribeConfigsRequest {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, name := range groups {
		one := kmsg.NewDescribeConfigsRequestResource()
		one.ResourceType, one.ResourceName, one.ConfigNames = kmsg.ConfigResourceTypeGroupConfig, name, []string{resetConfig}
		req.Resources = append(req.Resources, one)
	}
	return req
}

// resetOf translates what a broker says. Where by_duration makes a group start shows only when its first consumer comes, as with
// latest.
func resetOf(answer *kmsg.DescribeConfigsResponseResource) (lag.OffsetReset, error) {
	for i := range answer.Configs {
		if c := &answer.Configs[i]; c.Name == resetConfig && c.Value != nil {
			switch value := *c.Value; {
			case value == "earliest":
				return lag.ResetEarliest, nil
			case value == "latest", strings.HasPrefix(value, "by_duration:"):
				return lag.ResetLatest, nil
			default:
				return 0, startError(fmt.Errorf("this version of the adapter does not know %s=%q", resetConfig, value))
			}
		}
	}
	return 0, startError(errNoResetConfig)
}

func startError(err error) error {
	return &lag.ReadError{Class: lag.ClassUnsupported, Broker: noBroker, Op: "DescribeConfigs", Err: err}
}
