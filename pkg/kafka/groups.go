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
	lists := append(c.parts, c.adrift)
	for i := range lists {
		lists[i] = slices.DeleteFunc(lists[i], func(g lag.GroupObservation) bool { return c.gone(&g) })
	}
	c.obs.Groups, c.parts = c.onePerName(lists), nil
}

// onePerName merges sorted lists of groups into one. Two brokers may list the same group while it moves from one to the other; then
// the one that should be its coordinator is right, and if that is not known, the one that could read its commits.
func (c *collection) onePerName(lists [][]lag.GroupObservation) []lag.GroupObservation {
	total := 0
	for _, list := range lists {
		total += len(list)
	}
	merged := make([]lag.GroupObservation, 0, total)
	for {
		var first *lag.GroupObservation
		from := -1
		for i, list := range lists {
			if len(list) == 0 {
				continue
			}
			if g := &list[0]; first == nil || g.Name < first.Name || g.Name == first.Name && c.doubt(g) < c.doubt(first) {
				first, from = g, i
			}
		}
		if first == nil {
			return merged
		}
		lists[from] = lists[from][1:]
		if n := len(merged); n == 0 || merged[n-1].Name != first.Name {
			merged = append(merged, *first)
		}
	}
}

// doubt says how likely it is that another broker coordinates the group.
func (c *collection) doubt(g *lag.GroupObservation) int {
	node, known := c.coordinator(g.Name)
	switch {
	case known && node != g.Coordinator:
		return 2
	case g.CommitsErr != nil:
		return 1
	}
	return 0
}

// answers matches the answers of a broker with the groups that it was asked about.
type answers struct {
	broker int32
	op     string
	groups []*lag.GroupObservation // in order
	seen   []bool                  // by the index of groups
	next   int                     // the group that is likely to be answered next
	setErr func(g *lag.GroupObservation, err error)
}

// expect sets an error on all groups, which are in order, that lasts until they are answered.
func expect(broker int32, op string, groups []*lag.GroupObservation, setErr func(*lag.GroupObservation, error)) *answers {
	a := &answers{broker: broker, op: op, setErr: setErr, groups: groups, seen: make([]bool, len(groups))}
	a.fail(groups, protocolError(broker, op, "the broker left the group out of its answer"))
	return a
}

func (a *answers) fail(groups []*lag.GroupObservation, err error) {
	for _, g := range groups {
		a.setErr(g, err)
	}
}

// find returns where the group stands, -1 if it was not asked for.
func (a *answers) find(name string) int {
	if a.next < len(a.groups) && a.groups[a.next].Name == name {
		a.next++
		return a.next - 1
	}
	at, found := slices.BinarySearchFunc(a.groups, name, func(g *lag.GroupObservation, name string) int { return cmp.Compare(g.Name, name) })
	if !found {
		return -1
	}
	a.next = at + 1
	return at
}

// group returns the group that an answer is about, nil if it is about none that was asked for, if it is an error, or if it is
// the second answer about it, so that neither can be believed.
func (a *answers) group(name string, err error) *lag.GroupObservation {
	at := a.find(name)
	if at < 0 {
		return nil
	}
	g := a.groups[at]
	if a.seen[at] {
		a.setErr(g, protocolError(a.broker, a.op, "two answers for one group"))
		return nil
	}
	a.seen[at] = true
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
