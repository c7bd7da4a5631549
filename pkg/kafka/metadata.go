package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// noBroker stands for "none was asked" or "none leads".
const noBroker int32 = -1

// offsetsTopic is where Kafka keeps groups: a group's coordinator is the leader of one of its partitions.
const offsetsTopic = "__consumer_offsets"

// readMetadata reads the brokers and all topics.
func (c *collection) readMetadata(ctx context.Context) {
	req := kmsg.NewPtrMetadataRequest() // nil topics: all of them
	resp, err := c.askAny(ctx, req)
	if err != nil {
		c.obs.MetadataErr = readError(noBroker, req, err)
		return
	}
	c.obs.MetadataReadAt = c.obs.StartedAt
	for _, b := range resp.Brokers {
		c.obs.Brokers = append(c.obs.Brokers, lag.Broker{ID: b.NodeID, Address: net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))})
	}
	slices.SortFunc(c.obs.Brokers, func(a, b lag.Broker) int { return cmp.Compare(a.ID, b.ID) })
	c.obs.ListingErr = coordinatorsAway(resp)
	c.addTopics(req, resp)
}

// coordinatorsAway returns why some groups have no coordinator now, and so stand in no broker's list.
func coordinatorsAway(resp *kmsg.MetadataResponse) error {
	for _, t := range resp.Topics {
		if t.Topic == nil || *t.Topic != offsetsTopic {
			continue
		}
		for _, p := range t.Partitions {
			if p.Leader < 0 {
				return &lag.ReadError{Class: lag.ClassCoordinator, Broker: noBroker, Op: "Metadata",
					Err: fmt.Errorf("%s partition %d has no leader: its groups have no coordinator", offsetsTopic, p.Partition)}
			}
		}
	}
	return nil
}

// readUnlistedTopics asks by name for topics of groups that the list of all topics lacked. A broker leaves out of that list
// what we may not describe; asked by name, it says whether the topic is forbidden or does not exist.
func (c *collection) readUnlistedTopics(ctx context.Context) {
	names := c.unlistedTopics()
	if len(names) == 0 {
		return
	}
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	for _, name := range names {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, topic)
	}
	resp, err := c.askAny(ctx, req)
	if err != nil {
		for _, name := range names {
			c.addTopic(lag.Topic{Name: name, Err: readError(noBroker, req, err)}, nil)
		}
	} else {
		c.addTopics(req, resp)
	}
}

func (c *collection) unlistedTopics() []string {
	known := make(map[string]bool, len(c.obs.Topics))
	for i := range c.obs.Topics {
		known[c.obs.Topics[i].Name] = true
	}
	var names []string
	add := func(name string) {
		if !known[name] {
			known[name] = true
			names = append(names, name)
		}
	}
	for i := range c.obs.Groups {
		g := &c.obs.Groups[i]
		for _, t := range g.Commits {
			add(t.Topic)
		}
		for _, m := range g.Members {
			for _, t := range m.Subscribed {
				add(t)
			}
			for _, a := range m.Assigned {
				add(a.Topic)
			}
		}
	}
	slices.Sort(names)
	return names
}

// addTopics adds the topics of a response, in the order of their names.
func (c *collection) addTopics(req kmsg.Request, resp *kmsg.MetadataResponse) {
	slices.SortFunc(resp.Topics, func(a, b kmsg.MetadataResponseTopic) int { return cmp.Compare(name(a), name(b)) })
	for _, t := range resp.Topics {
		if t.Topic == nil || !c.reader.cfg.Topics(*t.Topic) {
			continue
		}
		topic := lag.Topic{Name: *t.Topic, ID: t.TopicID, Err: codeError(noBroker, req, t.ErrorCode)}
		slices.SortFunc(t.Partitions, func(a, b kmsg.MetadataResponseTopicPartition) int { return cmp.Compare(a.Partition, b.Partition) })
		topic.Partitions = make([]lag.Partition, 0, len(t.Partitions))
		epochs := make([]int32, 0, len(t.Partitions))
		for _, p := range t.Partitions {
			topic.Partitions = append(topic.Partitions, partition(req, p))
			epochs = append(epochs, p.LeaderEpoch)
		}
		c.addTopic(topic, epochs)
	}
}

// addTopic puts the topic in its place by name.
func (c *collection) addTopic(topic lag.Topic, epochs []int32) {
	i, found := slices.BinarySearchFunc(c.obs.Topics, topic.Name, func(t lag.Topic, name string) int { return cmp.Compare(t.Name, name) })
	if found {
		return
	}
	c.obs.Topics = slices.Insert(c.obs.Topics, i, topic)
	c.leaderEpochs = slices.Insert(c.leaderEpochs, i, epochs)
}

func name(t kmsg.MetadataResponseTopic) string {
	if t.Topic == nil {
		return ""
	}
	return *t.Topic
}

// partition translates one partition. Its offsets are still to be read; without a leader there is nobody to ask.
func partition(req kmsg.Request, p kmsg.MetadataResponseTopicPartition) lag.Partition {
	out := lag.Partition{Partition: p.Partition, Leader: p.Leader, PreferredLeader: noBroker, Replicas: len(p.Replicas), InSyncReplicas: len(p.ISR)}
	if len(p.Replicas) > 0 {
		out.PreferredLeader = p.Replicas[0]
	}
	if p.Leader < 0 {
		err := codeError(noBroker, req, cmp.Or(p.ErrorCode, kerr.LeaderNotAvailable.Code))
		out.Start.Err, out.End.Err = err, err
	}
	return out
}

// hedgeShare is how long, as a part of a collection's timeout, one broker may take to answer for Metadata before another one is
// asked too. All of them together must fit into metadataShare.
const hedgeShare = 0.08

// askAny sends a request that any broker can answer. If one is slow, further ones are asked, and the first answer wins: a
// hung broker must not keep the others' groups from being read.
func (c *collection) askAny(ctx context.Context, req *kmsg.MetadataRequest) (*kmsg.MetadataResponse, error) {
	const most = 3
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		resp *kmsg.MetadataResponse
		err  error
	}
	answers := make(chan answer, most)
	hedge := time.NewTimer(0)
	defer hedge.Stop()
	var errs []error
	for asked := 0; len(errs) < most; {
		select {
		case <-hedge.C:
			if asked == most {
				continue
			}
			asked++
			hedge.Reset(time.Duration(hedgeShare * float64(c.reader.cfg.Timeout)))
			request := *req // the client writes the version it chose into the request
			go func() {
				resp, err := request.RequestWith(ctx, c.reader.client)
				answers <- answer{resp, err}
			}()
		case a := <-answers:
			if a.err == nil {
				return a.resp, nil
			}
			errs = append(errs, a.err)
			hedge.Reset(0)
		}
	}
	return nil, mostTelling(errs)
}

// mostTelling prefers an error with a cause, such as a refused connection, over one that only says that time ran out.
func mostTelling(errs []error) error {
	for _, err := range errs {
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return errs[0]
}
