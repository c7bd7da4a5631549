package kafka

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Inspection is what a look at a cluster tells an operator.
type Inspection struct {
	// Observation is one collection, made as a poll makes it.
	*lag.Observation
	Seeds []Seed
	// Versions are those of the brokers by their node ids, as their requests suggest, such as "v4.0"; those that did not tell lack.
	Versions map[int32]string
	// EveryGroup says whether the list has every group of the cluster, which takes Describe on the cluster; false if that is not known.
	EveryGroup bool
	// NewestCommit is when, by its coordinator's clock, the newest record of the offsets topic was written; zero if that is not known.
	// It was before InspectedAt by this machine's clock.
	NewestCommit, InspectedAt time.Time
	// GroupErrs and TopicErrs say of those that were named what the brokers have against them: nil, or an error of class authorization or not
	// found. Asked by name, brokers tell what they leave out of their lists.
	GroupErrs, TopicErrs map[string]error
}

// Seed is one of the addresses to start from.
type Seed struct {
	Address  string
	Resolved []string // IP addresses
	Err      error
}

// Inspect looks at the cluster, and at these groups and topics by name. The Reader must do nothing else meanwhile.
func (r *Reader) Inspect(ctx context.Context, groups, topics []string) *Inspection {
	in := &Inspection{Seeds: r.resolveSeeds(ctx), Versions: make(map[int32]string), GroupErrs: make(map[string]error), TopicErrs: make(map[string]error)}
	in.Observation = r.Read(ctx, nil)
	if in.MetadataErr != nil {
		return in
	}
	c := r.newCollection(r.full, nil)
	for _, b := range in.Brokers {
		c.addBroker(b.ID, b.Address)
	}
	ctx, cancel := c.phase(ctx, 1)
	defer cancel()
	c.askForVersions(ctx, in.Versions)
	in.NewestCommit, in.InspectedAt = c.newestCommit(ctx, in.Coordinators), time.Now()
	in.EveryGroup = c.mayDescribeCluster(ctx)
	c.askForTopics(ctx, topics, in.TopicErrs)
	for _, group := range groups {
		in.GroupErrs[group] = c.askForGroup(ctx, group)
		listed := slices.ContainsFunc(in.Groups, func(g lag.GroupObservation) bool { return g.Name == group })
		if in.GroupErrs[group] == nil && !listed && in.ListingErr == nil {
			in.GroupErrs[group] = &lag.ReadError{Class: lag.ClassNotFound, Broker: noBroker, Op: "ListGroups", Err: kerr.GroupIDNotFound}
		}
	}
	return in
}

func (r *Reader) resolveSeeds(ctx context.Context) []Seed {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	seeds := make([]Seed, len(r.cfg.Brokers))
	var all sync.WaitGroup
	for i, address := range r.cfg.Brokers {
		seeds[i].Address = address
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			seeds[i].Err = err
			continue
		}
		all.Go(func() { seeds[i].Resolved, seeds[i].Err = net.DefaultResolver.LookupHost(ctx, host) })
	}
	all.Wait()
	return seeds
}

func (c *collection) askForVersions(ctx context.Context, versions map[int32]string) {
	var mu sync.Mutex
	c.eachBroker(func(_ int, b *brokerState) {
		req := kmsg.NewPtrApiVersionsRequest()
		req.ClientSoftwareName, req.ClientSoftwareVersion = clientID, "unknown"
		if resp, err := ask[*kmsg.ApiVersionsResponse](ctx, c, b.id, req); err == nil && resp.ErrorCode == 0 {
			mu.Lock()
			defer mu.Unlock()
			versions[b.id] = kversion.FromApiVersionsResponse(resp).VersionGuess()
		}
	})
}

// mayDescribeCluster says whether we have Describe on the cluster. Brokers before 2.8 do not tell.
func (c *collection) mayDescribeCluster(ctx context.Context) bool {
	const describe = 8 // the number of the operation, which is its bit
	allowed, err := askAny(ctx, c, func() kmsg.Request {
		req := kmsg.NewPtrDescribeClusterRequest()
		req.IncludeClusterAuthorizedOperations = true
		return req
	}, func(resp kmsg.Response) (bool, error) {
		answer := resp.(*kmsg.DescribeClusterResponse)
		return answer.ClusterAuthorizedOperations != unknownOperations && answer.ClusterAuthorizedOperations&(1<<describe) != 0, kerr.ErrorForCode(answer.ErrorCode)
	})
	return allowed && err == nil
}

// unknownOperations is what a broker gives that does not tell operations.
const unknownOperations = -1 << 31

// askForTopics asks for topics by name: brokers refuse those then that they leave out of the list of all.
func (c *collection) askForTopics(ctx context.Context, topics []string, errs map[string]error) {
	if len(topics) == 0 {
		return
	}
	resp, err := askAny(ctx, c, func() kmsg.Request {
		req := kmsg.NewPtrMetadataRequest()
		req.AllowAutoTopicCreation = false
		for _, name := range topics {
			topic := kmsg.NewMetadataRequestTopic()
			topic.Topic = kmsg.StringPtr(name)
			req.Topics = append(req.Topics, topic)
		}
		return req
	}, func(resp kmsg.Response) (*kmsg.MetadataResponse, error) { return resp.(*kmsg.MetadataResponse), nil })
	for _, name := range topics {
		errs[name] = err
	}
	if err != nil {
		return
	}
	for i := range resp.Topics {
		if t := &resp.Topics[i]; t.Topic != nil {
			errs[*t.Topic] = codeError(noBroker, (*kmsg.MetadataRequest)(nil), t.ErrorCode)
		}
	}
}

// askForGroup asks for the coordinator of a group, which a broker tells only to those who may describe the group.
func (c *collection) askForGroup(ctx context.Context, group string) error {
	code, err := askAny(ctx, c, func() kmsg.Request {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorKey, req.CoordinatorKeys = group, []string{group} // up to version 3, and from 4 on
		return req
	}, func(resp kmsg.Response) (int16, error) {
		answer := resp.(*kmsg.FindCoordinatorResponse)
		if len(answer.Coordinators) > 0 {
			return answer.Coordinators[0].ErrorCode, nil
		}
		return answer.ErrorCode, nil
	})
	if err != nil {
		return err
	}
	return codeError(noBroker, (*kmsg.FindCoordinatorRequest)(nil), code)
}
