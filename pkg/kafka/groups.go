package kafka

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// readGroups asks every broker, independently of the others, for the groups that it coordinates.
func (c *collection) readGroups(ctx context.Context) {
	perBroker := make([][]lag.GroupObservation, len(c.obs.Brokers))
	listingErrs := make([]error, len(c.obs.Brokers))
	var wg sync.WaitGroup
	for i := range c.obs.Brokers {
		wg.Go(func() { perBroker[i], listingErrs[i] = c.brokerGroups(ctx, &c.obs.Brokers[i]) })
	}
	wg.Wait()
	for i, groups := range perBroker {
		if listingErrs[i] != nil {
			c.obs.ListingErr = listingErrs[i]
		}
		c.obs.Groups = append(c.obs.Groups, groups...)
	}
	c.obs.Groups = onePerName(c.obs.Groups)
}

// onePerName sorts the groups. Two brokers may list the same group while it moves from one to the other; the one that could
// read its commits is right.
func onePerName(groups []lag.GroupObservation) []lag.GroupObservation {
	slices.SortStableFunc(groups, func(a, b lag.GroupObservation) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(failed(a.CommitsErr), failed(b.CommitsErr)))
	})
	return slices.CompactFunc(groups, func(a, b lag.GroupObservation) bool { return a.Name == b.Name })
}

func failed(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// brokerGroups reads the groups of one broker: first which there are, then their members and commits at the same time. The
// error says why the list may lack some.
func (c *collection) brokerGroups(ctx context.Context, broker *lag.Broker) ([]lag.GroupObservation, error) {
	groups, err := c.listGroups(ctx, broker.ID)
	if err != nil {
		noteBroker(broker, err)
		return nil, err
	}
	var membersErr, commitsErr error
	var wg sync.WaitGroup
	wg.Go(func() { membersErr = c.describeGroups(ctx, broker.ID, groups) })
	wg.Go(func() { commitsErr = c.fetchCommits(ctx, broker.ID, groups) })
	wg.Wait()
	noteBroker(broker, membersErr)
	noteBroker(broker, commitsErr)
	return groups, nil
}

// noteBroker keeps the first error that speaks against the broker as a whole.
func noteBroker(broker *lag.Broker, err error) {
	if broker.Err == nil && err != nil && brokerWide(err) {
		broker.Err = err
	}
}

func (c *collection) listGroups(ctx context.Context, broker int32) ([]lag.GroupObservation, error) {
	req := kmsg.NewPtrListGroupsRequest()
	resp, err := ask[*kmsg.ListGroupsResponse](ctx, c.reader, broker, req)
	if err == nil {
		err = codeError(broker, req, resp.ErrorCode)
	}
	if err != nil {
		return nil, err
	}
	groups := make([]lag.GroupObservation, 0, len(resp.Groups))
	for _, g := range resp.Groups {
		if c.reader.cfg.Groups(g.Group) {
			groups = append(groups, lag.GroupObservation{
				Name: g.Group, Type: groupType(g.GroupType), ProtocolType: g.ProtocolType, State: g.GroupState, Coordinator: broker,
			})
		}
	}
	slices.SortFunc(groups, func(a, b lag.GroupObservation) int { return cmp.Compare(a.Name, b.Name) })
	return slices.CompactFunc(groups, func(a, b lag.GroupObservation) bool { return a.Name == b.Name }), nil
}

// groupType translates the type of ListGroups v5; older brokers give none and have classic groups only.
func groupType(name string) lag.GroupType {
	return cmp.Or(lag.GroupType(strings.ToLower(name)), lag.GroupClassic)
}
