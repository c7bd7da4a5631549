package kafka

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// eachBroker does something for all brokers at the same time, independently of one another.
func (c *collection) eachBroker(do func(i int, b *brokerState)) {
	var wg sync.WaitGroup
	for i, b := range c.brokers {
		wg.Go(func() { do(i, b) })
	}
	wg.Wait()
}

// listGroups asks every broker for the groups that it coordinates.
func (c *collection) listGroups(ctx context.Context) {
	c.parts = make([][]lag.GroupObservation, len(c.brokers))
	errs := make([]error, len(c.brokers))
	c.eachBroker(func(i int, b *brokerState) {
		var wg sync.WaitGroup
		wg.Go(func() { b.lacking = c.capable(ctx, b) })
		if c.parts[i], errs[i] = c.groupsOf(ctx, b.id); errs[i] == nil {
			errs[i] = c.confirmList(ctx, b.id, c.parts[i])
		}
		if errs[i] != nil {
			c.reader.loaded.forget(b.id)
		}
		wg.Wait()
	})
	c.verifyCoordinators()
	for i, b := range c.brokers {
		if errs[i] != nil {
			c.obs.ListingErr = errs[i]
			continue
		}
		b.listed = true
		c.obs.Listed = append(c.obs.Listed, b.id)
	}
}

// verifyCoordinators forgets the coordinators if the lists contradict them: not every broker that speaks Kafka's protocol keeps to
// Kafka's rule of which partition of the offsets topic holds which group. Groups that just move contradict it, too, but are few.
func (c *collection) verifyCoordinators() {
	against := 0
	for _, part := range c.parts {
		for i := range part {
			if node, known := c.coordinator(part[i].Name); known && node == part[i].Coordinator {
				against--
			} else {
				against++
			}
		}
	}
	c.reader.loaded.foreign = against > 0
	if against > 0 {
		c.obs.Coordinators = nil
	}
}

func (c *collection) groupsOf(ctx context.Context, broker int32) ([]lag.GroupObservation, error) {
	req := kmsg.NewPtrListGroupsRequest()
	resp, err := ask[*listResponse](ctx, c, broker, listRequest{req})
	if err != nil {
		return nil, err
	}
	code, listed, err := resp.decode(c.groupNames)
	if err = c.malformed(broker, "ListGroups", err); err == nil {
		err = codeError(broker, req, code)
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(listed, func(a, b decodedGroup) int { return cmp.Compare(a.Name, b.Name) })
	groups := make([]lag.GroupObservation, len(listed))
	for i, g := range listed {
		groups[i] = lag.GroupObservation{Name: g.Name, Type: groupType(g.Type), ProtocolType: g.ProtocolType, State: g.State, Coordinator: broker}
	}
	return distinct(groups), nil
}

// groupNames gives the one string that stands for a group's name, and says whether it is to be read. What is known was.
func (c *collection) groupNames(name []byte) (string, bool) {
	if old := c.olds[string(name)]; old != nil {
		return old.Name, true
	}
	canonical := string(name)
	return canonical, c.reader.cfg.Groups(canonical)
}

// groupType translates the type of ListGroups v5; older brokers give none and have classic groups only.
func groupType(name string) lag.GroupType {
	for _, known := range []lag.GroupType{lag.GroupClassic, lag.GroupConsumer, lag.GroupShare, lag.GroupStreams} {
		if strings.EqualFold(name, string(known)) {
			return known
		}
	}
	return cmp.Or(lag.GroupType(strings.ToLower(name)), lag.GroupClassic)
}

// distinct keeps one group of each name of those of one broker, which are in order. One that is listed with two types is not to be
// believed.
func distinct(groups []lag.GroupObservation) []lag.GroupObservation {
	kept := groups[:0]
	for _, g := range groups {
		last := len(kept) - 1
		if last < 0 || kept[last].Name != g.Name {
			kept = append(kept, g)
			continue
		}
		if kept[last].Type != g.Type {
			err := protocolError(g.Coordinator, "ListGroups", "the broker lists the group twice, as %s and as %s", kept[last].Type, g.Type)
			kept[last].MembersErr, kept[last].CommitsErr = err, err
		}
	}
	return kept
}

func compareGroups(a, b lag.GroupObservation) int { return cmp.Compare(a.Name, b.Name) }

// addUnlisted adds the groups that were known before and that their coordinator's list lacks. A broker leaves out of its list what
// we may not describe, and what it is still loading; asked by name, it says so.
func (c *collection) addUnlisted() {
	listed := make([]bool, len(c.prev.Groups))
	for _, part := range c.parts {
		c.markListed(listed, part)
	}
	for i, g := range c.prev.Groups {
		if listed[i] || c.leftOut(g.Name) {
			continue
		}
		node, known := c.coordinator(g.Name)
		if !known {
			node = g.Coordinator
		}
		at := slices.IndexFunc(c.brokers, func(b *brokerState) bool { return b.id == node && b.listed })
		if at < 0 {
			continue // nobody has said that it is not there
		}
		c.parts[at] = append(c.parts[at], lag.GroupObservation{
			Name: g.Name, Type: g.Type, ProtocolType: g.ProtocolType, State: g.State, Coordinator: node,
		})
		c.unlisted[g.Name] = true
	}
	for i := range c.parts {
		slices.SortFunc(c.parts[i], compareGroups)
	}
}

// markListed walks the sorted groups of the previous snapshot and of one broker side by side.
func (c *collection) markListed(listed []bool, part []lag.GroupObservation) {
	i := 0
	for j := range part {
		for i < len(listed) && c.prev.Groups[i].Name < part[j].Name {
			i++
		}
		if i < len(listed) && c.prev.Groups[i].Name == part[j].Name {
			listed[i] = true
		}
	}
}

// gone says whether a group no longer exists: described as dead or, if its coordinator did not list it, not known by name either.
// Where it is not certain which broker is the coordinator, a refusal of one says nothing.
func (c *collection) gone(g *lag.GroupObservation) bool {
	if !c.unlisted[g.Name] {
		return g.State == stateDead
	}
	_, known := c.coordinator(g.Name)
	uncertain := !known && !c.obs.Partial
	return g.State == stateDead || g.MembersErr != nil &&
		(lag.ClassOf(g.MembersErr) == lag.ClassNotFound || uncertain && errors.Is(g.MembersErr, kerr.NotCoordinator))
}

// stateDead is how brokers describe a group that does not exist.
const stateDead = "Dead"
