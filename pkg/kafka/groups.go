package kafka

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// readGroups reads the members and commits of the groups of every broker.
func (c *collection) readGroups(ctx context.Context) {
	var starts sync.WaitGroup
	starts.Go(func() { c.readShareStarts(ctx) })
	c.eachBroker(func(i int, b *brokerState) {
		var wg sync.WaitGroup
		wg.Go(func() { c.describeGroups(ctx, b.id, c.parts[i]) })
		wg.Go(func() { c.fetchCommits(ctx, b.id, c.parts[i]) })
		wg.Wait()
	})
	starts.Wait()
	total := 0
	for _, part := range c.parts {
		total += len(part)
	}
	c.obs.Groups = make([]lag.GroupObservation, 0, total)
	for _, part := range c.parts {
		for i := range part {
			if !c.gone(&part[i]) {
				c.obs.Groups = append(c.obs.Groups, part[i])
			}
		}
	}
	c.obs.Groups, c.parts = append(c.obs.Groups, c.adrift...), nil
	c.onePerName()
}

// onePerName sorts the groups. Two brokers may list the same group while it moves from one to the other; then the one that should be
// its coordinator is right, and if that is not known, the one that could read its commits.
func (c *collection) onePerName() {
	doubt := func(g *lag.GroupObservation) int {
		node, known := c.coordinator(g.Name)
		switch {
		case known && node != g.Coordinator:
			return 2
		case g.CommitsErr != nil:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(c.obs.Groups, func(a, b lag.GroupObservation) int {
		if order := compareGroups(a, b); order != 0 {
			return order
		}
		return cmp.Compare(doubt(&a), doubt(&b))
	})
	c.obs.Groups = slices.CompactFunc(c.obs.Groups, func(a, b lag.GroupObservation) bool { return a.Name == b.Name })
}

// answers matches the answers of a broker with the groups that it was asked about.
type answers struct {
	broker int32
	op     string
	groups map[string]*lag.GroupObservation
	seen   map[string]bool
	setErr func(g *lag.GroupObservation, err error)
}

// expect sets an error on all groups that lasts until they are answered.
func expect(broker int32, op string, groups []*lag.GroupObservation, setErr func(*lag.GroupObservation, error)) *answers {
	a := &answers{
		broker: broker, op: op, setErr: setErr, seen: make(map[string]bool, len(groups)),
		groups: make(map[string]*lag.GroupObservation, len(groups)),
	}
	a.fail(groups, protocolError(broker, op, "the broker left the group out of its answer"))
	for _, g := range groups {
		a.groups[g.Name] = g
	}
	return a
}

func (a *answers) fail(groups []*lag.GroupObservation, err error) {
	for _, g := range groups {
		a.setErr(g, err)
	}
}

// group returns the group that an answer is about, nil if it is about none that was asked for, if it is an error, or if it is
// the second answer about it, so that neither can be believed.
func (a *answers) group(name string, err error) *lag.GroupObservation {
	g := a.groups[name]
	if g == nil {
		return nil
	}
	if a.seen[name] {
		a.setErr(g, protocolError(a.broker, a.op, "two answers for one group"))
		return nil
	}
	a.seen[name] = true
	if a.setErr(g, err); err != nil {
		return nil
	}
	return g
}

func namesOf(groups []*lag.GroupObservation) []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
	}
	return names
}
