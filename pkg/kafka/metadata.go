package kafka

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// noBroker stands for "none was asked" or "none leads".
const noBroker int32 = -1

// offsetsTopic is where Kafka keeps groups: a group's coordinator is the leader of one of its partitions.
const offsetsTopic = "__consumer_offsets"

// brokerState is a broker during one collection.
type brokerState struct {
	id      int32
	address string

	mu      sync.Mutex
	err     error // see lag.Broker
	lacking []lag.Capability
	listed  bool // it gave its list of groups
}

// note keeps the first error that speaks against the broker as a whole.
func (b *brokerState) note(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil && brokerWide(err) {
		b.err = err
	}
}

// broker returns the broker of that id, nil if there is none.
func (c *collection) broker(id int32) *brokerState {
	i, ok := slices.BinarySearchFunc(c.brokers, id, func(b *brokerState, id int32) int { return cmp.Compare(b.id, id) })
	if !ok {
		return nil
	}
	return c.brokers[i]
}

// addBroker adds a broker, or changes the address of one that is known.
func (c *collection) addBroker(id int32, address string) {
	i, ok := slices.BinarySearchFunc(c.brokers, id, func(b *brokerState, id int32) int { return cmp.Compare(b.id, id) })
	if ok {
		c.brokers[i].address = address
		return
	}
	c.brokers = slices.Insert(c.brokers, i, &brokerState{id: id, address: address})
}

func (c *collection) addBrokers(resp *kmsg.MetadataResponse) {
	for _, b := range resp.Brokers {
		if b.NodeID >= 0 { // others are a client's own numbers for "none"
			c.addBroker(b.NodeID, hostPort(b.Host, b.Port))
		}
	}
}

func hostPort(host string, port int32) string { return net.JoinHostPort(host, strconv.Itoa(int(port))) }

// brokersRead returns the brokers for the observation.
func (c *collection) brokersRead() []lag.Broker {
	out := make([]lag.Broker, 0, len(c.brokers))
	for _, b := range c.brokers {
		out = append(out, lag.Broker{ID: b.id, Address: b.address, Err: b.err, Lacking: b.lacking})
	}
	return out
}

// readMetadata reads the brokers and all topics.
func (c *collection) readMetadata(ctx context.Context) {
	resp, err := askAny[*kmsg.MetadataResponse](ctx, c, func() kmsg.Request {
		return kmsg.NewPtrMetadataRequest() // nil topics: all of them
	})
	if err != nil {
		c.obs.MetadataErr = err
		return
	}
	c.obs.MetadataReadAt = c.obs.StartedAt
	c.addBrokers(resp)
	addresses := make([]string, 0, len(c.brokers))
	for _, b := range c.brokers {
		addresses = append(addresses, b.address)
	}
	c.reader.full.keep(addresses)
	c.reader.hot.keep(addresses)
	c.readCoordinators(resp)
	c.addTopics(resp)
}

// readCoordinators notes which broker coordinates which groups, and why some groups have no coordinator now, and so stand in
// no broker's list.
func (c *collection) readCoordinators(resp *kmsg.MetadataResponse) {
	for i := range resp.Topics {
		t := &resp.Topics[i]
		if name(t) != offsetsTopic || t.ErrorCode != 0 {
			continue
		}
		leaders := make([]int32, len(t.Partitions))
		for _, p := range t.Partitions {
			if p.Partition < 0 || int(p.Partition) >= len(leaders) { // gaps: then which is whose is not known
				return
			}
			leaders[p.Partition] = p.Leader
			if p.Leader < 0 {
				c.obs.ListingErr = &lag.ReadError{Class: lag.ClassCoordinator, Broker: noBroker, Op: "Metadata",
					Err: fmt.Errorf("%s partition %d has no leader: its groups have no coordinator", offsetsTopic, p.Partition)}
			}
		}
		c.obs.Coordinators = leaders
	}
}

// coordinator returns the node id of the group's coordinator, by the leaders of its partition of the offsets topic.
func (c *collection) coordinator(group string) (node int32, known bool) {
	n := len(c.obs.Coordinators)
	if n == 0 {
		return noBroker, false
	}
	return c.obs.Coordinators[lag.CoordinatorPartition(group, n)], true
}

// readNamedTopics asks for topics by name. A broker leaves out of the list of all topics what we may not describe; asked by
// name, it says whether the topic is forbidden or does not exist.
func (c *collection) readNamedTopics(ctx context.Context, names []string) {
	if len(names) == 0 {
		return
	}
	resp, err := c.describeTopics(ctx, names)
	if err != nil {
		for _, name := range names {
			c.addTopic(lag.Topic{Name: name, Err: err}, nil)
		}
		return
	}
	c.obs.MetadataReadAt = c.obs.StartedAt
	c.addBrokers(resp)
	c.addTopics(resp)
}

func (c *collection) describeTopics(ctx context.Context, names []string) (*kmsg.MetadataResponse, error) {
	return askAny[*kmsg.MetadataResponse](ctx, c, func() kmsg.Request {
		req := kmsg.NewPtrMetadataRequest()
		req.AllowAutoTopicCreation = false
		for _, name := range names {
			topic := kmsg.NewMetadataRequestTopic()
			topic.Topic = kmsg.StringPtr(name)
			req.Topics = append(req.Topics, topic)
		}
		return req
	})
}

// addTopics adds the topics of a response, in the order of their names.
func (c *collection) addTopics(resp *kmsg.MetadataResponse) {
	slices.SortStableFunc(resp.Topics, func(a, b kmsg.MetadataResponseTopic) int { return cmp.Compare(name(&a), name(&b)) })
	if len(c.obs.Topics) == 0 {
		c.obs.Topics, c.epochs = make([]lag.Topic, 0, len(resp.Topics)), make([][]int32, 0, len(resp.Topics))
	}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		switch {
		case t.Topic == nil || !c.reader.cfg.Topics(*t.Topic):
		case i > 0 && name(t) == name(&resp.Topics[i-1]):
			if at := c.topicIndex(*t.Topic); at >= 0 {
				c.obs.Topics[at] = lag.Topic{Name: *t.Topic, Err: protocolError(noBroker, "Metadata", "two answers for one topic")}
				c.epochs[at] = nil
			}
		default:
			c.addTopic(topicRead(t))
		}
	}
}

// topicRead translates one topic, and gives the leader epochs of its partitions.
func topicRead(t *kmsg.MetadataResponseTopic) (lag.Topic, []int32) {
	topic := lag.Topic{Name: *t.Topic, ID: t.TopicID, Err: codeError(noBroker, (*kmsg.MetadataRequest)(nil), t.ErrorCode)}
	slices.SortStableFunc(t.Partitions, func(a, b kmsg.MetadataResponseTopicPartition) int { return cmp.Compare(a.Partition, b.Partition) })
	topic.Partitions = make([]lag.Partition, 0, len(t.Partitions))
	epochs := make([]int32, 0, len(t.Partitions))
	for i := range t.Partitions {
		topic.Partitions = append(topic.Partitions, partitionRead(&t.Partitions[i]))
		epochs = append(epochs, t.Partitions[i].LeaderEpoch)
	}
	return topic, epochs
}

// partitionRead translates one partition. Its offsets are still to be read; without a leader there is nobody to ask.
func partitionRead(p *kmsg.MetadataResponseTopicPartition) lag.Partition {
	out := lag.Partition{
		Partition: p.Partition, Leader: p.Leader, PreferredLeader: noBroker, Replicas: len(p.Replicas), InSyncReplicas: len(p.ISR), LeaderEpoch: -1,
	}
	if len(p.Replicas) > 0 {
		out.PreferredLeader = p.Replicas[0]
	}
	if p.Leader < 0 {
		err := codeError(noBroker, (*kmsg.MetadataRequest)(nil), cmp.Or(p.ErrorCode, kerr.LeaderNotAvailable.Code))
		out.Start.Err, out.End.Err, out.LastStable.Err = err, err, err
	}
	return out
}

// addTopic puts the topic in its place by name, unless it is there already.
func (c *collection) addTopic(topic lag.Topic, epochs []int32) {
	i := len(c.obs.Topics) // they mostly come in order
	if i > 0 && c.obs.Topics[i-1].Name >= topic.Name {
		var found bool
		if i, found = c.findTopic(topic.Name); found {
			return
		}
	}
	c.obs.Topics = slices.Insert(c.obs.Topics, i, topic)
	c.epochs = slices.Insert(c.epochs, i, epochs)
}

func (c *collection) findTopic(name string) (int, bool) {
	return slices.BinarySearchFunc(c.obs.Topics, name, func(t lag.Topic, name string) int { return cmp.Compare(t.Name, name) })
}

// topicIndex returns where the topic stands in the observation, -1 if it does not.
func (c *collection) topicIndex(name string) int {
	if i, found := c.findTopic(name); found {
		return i
	}
	return -1
}

func name(t *kmsg.MetadataResponseTopic) string {
	if t.Topic == nil {
		return ""
	}
	return *t.Topic
}
