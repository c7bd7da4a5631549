package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

var (
	errUnknownType = errors.New("this version of the adapter does not know groups of this type")
	errNoAllTopics = errors.New("the broker is too old (before Kafka 0.10.2) to tell on which topics a group has committed")
)

// allTopicsVersion is the first version of OffsetFetch that answers for all topics of a group (KIP-88).
const allTopicsVersion = 2

// offsetFetchGroups is the first version of OffsetFetch that takes several groups (KIP-709).
const offsetFetchGroups = 8

// singleAtOnce is how many requests for single groups are under way at the same time at a broker that does not take several
// groups in one: the broker answers them one by one, but none waits for the way there and back.
const singleAtOnce = 8

// fetchCommits fills in the commits of the groups of one broker.
func (c *collection) fetchCommits(ctx context.Context, broker int32, groups []lag.GroupObservation) {
	var commits, shares []*lag.GroupObservation
	for i := range groups {
		g := &groups[i]
		if g.CommitsErr != nil { // by the list already
			continue
		}
		switch g.Type {
		case lag.GroupClassic, lag.GroupConsumer, lag.GroupStreams:
			commits = append(commits, g)
		case lag.GroupShare:
			shares = append(shares, g)
		default:
			g.CommitsErr = unknownType(g)
		}
	}
	var wg sync.WaitGroup
	if len(shares) > 0 {
		wg.Go(func() { c.fetchShares(ctx, broker, shares) })
	}
	if len(commits) > 0 {
		rest := c.fetchBatch(ctx, broker, commits)
		c.fetchSingly(ctx, broker, rest)
	}
	wg.Wait()
	c.findWithheld(ctx, broker, groups)
}

func expectCommits(broker int32, op string, groups []*lag.GroupObservation) *answers {
	return expect(broker, op, groups, func(g *lag.GroupObservation, err error) { g.CommitsErr = err })
}

// fetchBatch asks for the commits of all the groups at once. It returns those that are still to be asked for: a broker that does
// not know batches answers for the first only.
func (c *collection) fetchBatch(ctx context.Context, broker int32, groups []*lag.GroupObservation) []*lag.GroupObservation {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.Topics = groups[0].Name, nil // what brokers before v8 read; nil topics: all
	for _, g := range groups {
		one := kmsg.NewOffsetFetchRequestGroup()
		one.Group = g.Name
		req.Groups = append(req.Groups, one)
	}
	const op = "OffsetFetch"
	asked := expectCommits(broker, op, groups)
	readAt := time.Now()
	resp, err := ask[*commitsResponse](ctx, c, broker, commitsRequest{req})
	var answers []decodedCommits
	if err == nil {
		answers, err = resp.decode(decodeAsked(namesOf(groups)), c.topicNames, func(code int16) error { return codeError(broker, req, code) }, &c.lane.commits)
		err = c.malformed(broker, op, err)
	}
	if err == nil && resp.Version < allTopicsVersion { // it has answered for no topic at all
		err = &lag.ReadError{Class: lag.ClassUnsupported, Broker: broker, Op: op, Err: errNoAllTopics}
	}
	if err != nil {
		asked.fail(groups, err)
		return nil
	}
	if resp.Version < offsetFetchGroups {
		answers[0].Group = groups[0].Name
	}
	for i := range answers {
		if g := asked.group(answers[i].Group, codeError(broker, req, answers[i].Code)); g != nil {
			g.CommitsReadAt, g.Commits = readAt, answers[i].Topics
		}
	}
	if resp.Version < offsetFetchGroups {
		return groups[1:]
	}
	return nil
}

// fetchSingly asks for the commits of the groups one by one.
func (c *collection) fetchSingly(ctx context.Context, broker int32, groups []*lag.GroupObservation) {
	next := make(chan *lag.GroupObservation)
	var wg sync.WaitGroup
	for range min(singleAtOnce, len(groups)) {
		wg.Go(func() {
			for g := range next {
				c.fetchBatch(ctx, broker, []*lag.GroupObservation{g})
			}
		})
	}
	for _, g := range groups {
		next <- g
	}
	close(next)
	wg.Wait()
}
