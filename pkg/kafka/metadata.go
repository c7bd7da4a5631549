package kafka

import (
	"cmp"
	"context"
	"fmt"
	"maps"
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
	if i := c.brokerAt(id); i >= 0 {
		return c.brokers[i]
	}
	return nil
}

// brokerAt returns where the broker of that id stands, -1 if there is none.
func (c *collection) brokerAt(id int32) int {
	i, ok := slices.BinarySearchFunc(c.brokers, id, func(b *brokerState, id int32) int { return cmp.Compare(b.id, id) })
	if !ok {
		return -1
	}
	return i
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

func (c *collection) addBrokers(m *decodedMetadata) {
	for _, b := range m.Brokers {
		if b.ID >= 0 { // others are a client's own numbers for "none"
			c.addBroker(b.ID, b.Address)
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
	resp, err := c.askMetadata(ctx, func() *kmsg.MetadataRequest {
		return kmsg.NewPtrMetadataRequest() // nil topics: all of them
	}, c.reader.topics.decode)
	if err != nil {
		c.obs.MetadataErr = err
		return
	}
	c.obs.MetadataReadAt, c.obs.ClusterID = c.obs.StartedAt, resp.Cluster
	c.addBrokers(resp)
	addresses := make([]string, 0, len(c.brokers))
	for _, b := range c.brokers {
		addresses = append(addresses, b.address)
	}
	c.reader.full.keep(addresses)
	c.reader.hot.keep(addresses)
	c.readCoordinators(resp)
	c.listed = c.reader.topics.listed(resp, func(all *listedTopics) {
		c.addTopics(resp)
		all.topics, all.leaderless = c.obs.Topics, c.leaderless
	})
	c.obs.Topics, c.leaderless, c.topicAt = slices.Clone(c.listed.topics), maps.Clone(c.listed.leaderless), c.listed.places
}

// askMetadata asks any broker. Its topics are those that are to be read, and the offsets topic.
func (c *collection) askMetadata(ctx context.Context, request func() *kmsg.MetadataRequest,
	decode func(*metadataResponse, decodeNames) (*decodedMetadata, error),
) (*decodedMetadata, error) {
	return askAny(ctx, c, func() kmsg.Request { return metadataRequest{request()} }, func(resp kmsg.Response) (*decodedMetadata, error) {
		m, err := decode(resp.(*metadataResponse), c.metadataNames)
		if err == nil {
			err = kerr.ErrorForCode(m.Code)
		}
		if err != nil {
			return nil, protocolError(noBroker, "Metadata", "%w", err)
		}
		return m, nil
	})
}

func (c *collection) metadataNames(name []byte) (string, bool) {
	if old := c.prev.Topic(string(name)); old != nil {
		return old.Name, true
	}
	canonical := string(name)
	return canonical, canonical == offsetsTopic || c.reader.cfg.Topics(canonical)
}

// malformed says which answer could not be decoded; nil if err is.
func (c *collection) malformed(broker int32, op string, err error) error {
	if err == nil {
		return nil
	}
	err = protocolError(broker, op, "%w", err)
	if b := c.broker(broker); b != nil {
		b.note(err)
	}
	return err
}

// readCoordinators notes which broker coordinates which groups, and why some groups have no coordinator now, and so stand in
// no broker's list.
func (c *collection) readCoordinators(resp *decodedMetadata) {
	for i := range resp.Topics {
		t := &resp.Topics[i]
		if t.Name != offsetsTopic || t.Code != 0 {
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
			c.addTopic(lag.Topic{Name: name, Err: err})
		}
		return
	}
	c.obs.MetadataReadAt = c.obs.StartedAt
	c.addBrokers(resp)
	c.addTopics(resp)
}

func (c *collection) describeTopics(ctx context.Context, names []string) (*decodedMetadata, error) {
	return c.askMetadata(ctx, func() *kmsg.MetadataRequest { return metadataOf(names) }, (*metadataResponse).decode)
}

// addTopics adds the topics of a response, which are in the order of their names.
func (c *collection) addTopics(m *decodedMetadata) {
	if len(c.obs.Topics) == 0 {
		c.obs.Topics = make([]lag.Topic, 0, len(m.Topics))
	}
	for i := range m.Topics {
		t := &m.Topics[i]
		switch {
		case !c.reader.cfg.Topics(t.Name):
		case i > 0 && t.Name == m.Topics[i-1].Name:
			if at := c.topicIndex(t.Name); at >= 0 {
				c.obs.Topics[at] = lag.Topic{Name: t.Name, Err: protocolError(noBroker, "Metadata", "two answers for one topic")}
			}
		default:
			c.noteLeaderless(t)
			c.addTopic(lag.Topic{Name: t.Name, ID: t.ID, Err: codeError(noBroker, (*kmsg.MetadataRequest)(nil), t.Code), Partitions: t.Partitions})
		}
	}
}

// noteLeaderless notes why nobody can be asked for the offsets of some partitions.
func (c *collection) noteLeaderless(t *decodedTopic) {
	for number, code := range t.Codes {
		if c.leaderless == nil {
			c.leaderless = make(map[partitionName]int16)
		}
		c.leaderless[partitionName{t.Name, number}] = code
	}
}

// addTopic puts the topic in its place by name, unless it is there already.
func (c *collection) addTopic(topic lag.Topic) {
	i := len(c.obs.Topics) // they mostly come in order
	if i > 0 && c.obs.Topics[i-1].Name >= topic.Name {
		var found bool
		if i, found = c.findTopic(topic.Name); found {
			return
		}
	}
	c.obs.Topics = slices.Insert(c.obs.Topics, i, topic)
	c.topicAt = nil // no longer where it says
}

// indexTopics makes topicIndex quick, where it is asked for every topic of every group.
func (c *collection) indexTopics() {
	if c.topicAt == nil {
		c.topicAt = placesOf(c.obs.Topics)
	}
}

// topicNames gives the one string that stands for a topic's name, and says whether it is to be read.
func (c *collection) topicNames(name []byte) (string, bool) {
	if at, known := c.topicAt[string(name)]; known {
		return c.obs.Topics[at].Name, true
	}
	if at := c.topicIndex(string(name)); at >= 0 {
		return c.obs.Topics[at].Name, true
	}
	canonical := string(name)
	return canonical, c.reader.cfg.Topics(canonical)
}

func (c *collection) findTopic(name string) (int, bool) {
	return slices.BinarySearchFunc(c.obs.Topics, name, func(t lag.Topic, name string) int { return cmp.Compare(t.Name, name) })
}

// topicIndex returns where the topic stands in the observation, -1 if it does not.
func (c *collection) topicIndex(name string) int {
	if c.topicAt != nil {
		if i, found := c.topicAt[name]; found {
			return i
		}
		return -1
	}
	if i, found := c.findTopic(name); found {
		return i
	}
	return -1
}
