package kafka

import (
	"errors"
	"fmt"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// memberCursor reads one group of an answer. Without the text, it only goes over the group and makes nothing.
type memberCursor struct {
	decodeCursor
	version int16
	name    []byte // of the group, once that was read
	whole   string // all that there is to read, as a string: every string is a part of it
	topic   func(name string) bool
}

func (c *memberCursor) keeps() bool { return c.whole != "" }

// part returns the bytes that were read last, as a string.
func (c *memberCursor) part(read []byte) string {
	if !c.keeps() || c.err != nil {
		return ""
	}
	return c.whole[c.at()-len(read) : c.at()]
}

func (c *memberCursor) string() string         { return c.part(c.text()) }
func (c *memberCursor) nullableString() string { return c.part(c.nullableText()) }

// classicGroup reads a group of DescribeGroups.
func classicGroup(c *memberCursor) decodedMembers {
	out := decodedMembers{Code: c.int16()}
	if c.version >= 6 {
		c.nullableText() // error message
	}
	c.name = c.text()
	out.State, out.ProtocolType = c.string(), c.string()
	out.Protocol = c.string()
	c.members(&out, 7, func(m *lag.Member) error { return c.classicMember(m, out.ProtocolType) })
	if c.version >= 3 {
		c.int32() // authorized operations
	}
	c.tags()
	return out
}

// consumerGroup reads a group of ConsumerGroupDescribe.
func consumerGroup(c *memberCursor) decodedMembers {
	out := decodedMembers{Code: c.int16()}
	c.nullableText() // error message
	c.name = c.text()
	out.State = c.string()
	c.span(8) // epochs of the group and of its assignment
	out.Protocol = c.string()
	c.members(&out, 15, c.consumerMember)
	c.int32() // authorized operations
	c.tags()
	return out
}

// members reads the members, each of which takes at least minSize bytes. An error of read is about one member only.
func (c *memberCursor) members(out *decodedMembers, minSize int, read func(m *lag.Member) error) {
	n := c.array(minSize)
	if !c.keeps() {
		for m := new(lag.Member); n > 0 && c.err == nil; n-- {
			_ = read(m) // only passes by
		}
		return
	}
	out.Members = make([]lag.Member, 0, n)
	for ; n > 0 && c.err == nil; n-- {
		out.Members = append(out.Members, lag.Member{})
		m := &out.Members[len(out.Members)-1]
		err := read(m)
		if err != nil && out.Err == nil {
			out.Err = fmt.Errorf("member %q: %w", m.ID, err)
		}
	}
}

func (c *memberCursor) classicMember(m *lag.Member, protocolType string) error {
	m.ID = c.string()
	if c.version >= 4 {
		m.InstanceID = c.nullableString()
	}
	m.ClientID, m.ClientHost = c.string(), c.string()
	subscription := c.inside(c.blob())
	assignment := c.inside(c.blob())
	c.tags()
	if !c.keeps() || protocolType != consumerProtocol {
		return nil
	}
	return errors.Join(subscription.subscription(m), assignment.assignment(m))
}

// inside returns a cursor over the bytes that were read last, which have the format of the consumers' own protocol.
func (c *memberCursor) inside(read []byte) memberCursor {
	return memberCursor{decodeCursor: newDecodeCursor(read, false), whole: c.part(read), topic: c.topic}
}

// subscription reads the topics that lead what a consumer tells the leader of its group. What follows them depends on the
// version and on the client, some of which get it wrong; it does not matter to us, nor do later versions, which only add to it.
// There is nothing to read while the group rebalances.
func (c *memberCursor) subscription(m *lag.Member) error {
	if len(c.rest) == 0 {
		return nil
	}
	c.int16() // version
	m.Subscribed = c.topics(2)
	if c.err != nil {
		m.Subscribed = nil
		return fmt.Errorf("subscription: %w", c.err)
	}
	return nil
}

// assignment reads what the leader of a group assigned to a consumer. All that was said of subscription is true of it.
func (c *memberCursor) assignment(m *lag.Member) error {
	if len(c.rest) == 0 {
		return nil
	}
	c.int16() // version
	m.Assigned = c.assigned(6, 0)
	if c.err != nil {
		m.Assigned = nil
		return fmt.Errorf("assignment: %w", c.err)
	}
	return nil
}

func (c *memberCursor) consumerMember(m *lag.Member) error {
	m.ID, m.InstanceID = c.string(), c.nullableString()
	c.nullableText() // rack
	c.int32()        // epoch
	m.ClientID, m.ClientHost = c.string(), c.string()
	m.Subscribed = c.topics(1)
	m.Pattern = c.nullableString()
	const topicID = 16
	m.Assigned = c.assigned(topicID+3, topicID)
	c.tags()
	target := memberCursor{decodeCursor: c.decodeCursor} // what the member is to have; it may still be another's
	target.assigned(topicID+3, topicID)
	c.decodeCursor = target.decodeCursor
	c.tags()
	if c.version >= 1 {
		c.span(1) // type of the member
	}
	c.tags()
	return nil
}

// topics reads names of at least minSize bytes each.
func (c *memberCursor) topics(minSize int) []string {
	var out []string
	for n := c.array(minSize); n > 0 && c.err == nil; n-- {
		if name := c.string(); c.keeps() && c.err == nil && c.topic(name) {
			if out == nil {
				out = make([]string, 0, n)
			}
			out = append(out, name)
		}
	}
	return out
}

// assigned reads topics of at least minSize bytes each, which begin with so many bytes of an id, and their partitions.
func (c *memberCursor) assigned(minSize, id int) []lag.TopicPartitions {
	var out []lag.TopicPartitions
	for n := c.array(minSize); n > 0 && c.err == nil; n-- {
		c.span(id)
		name := c.string()
		partitions := c.array(4)
		if c.keeps() && c.err == nil && c.topic(name) {
			if out == nil {
				out = make([]lag.TopicPartitions, 0, n)
			}
			t := lag.TopicPartitions{Topic: name, Partitions: make([]int32, partitions)}
			for i := range t.Partitions {
				t.Partitions[i] = c.int32()
			}
			out = append(out, t)
		} else {
			c.span(partitions * 4)
		}
		c.tags()
	}
	return out
}
