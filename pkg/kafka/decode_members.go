package kafka

import (
	"maps"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// membersRequest is a DescribeGroups whose answer is a *membersResponse.
type membersRequest struct{ *kmsg.DescribeGroupsRequest }

// consumerMembersRequest is a ConsumerGroupDescribe (KIP-848) whose answer is a *consumerMembersResponse.
type consumerMembersRequest struct {
	*kmsg.ConsumerGroupDescribeRequest
}

var (
	_ kmsg.Request          = membersRequest{}
	_ kmsg.Response         = (*membersResponse)(nil)
	_ kmsg.ThrottleResponse = (*membersResponse)(nil)
	_ kmsg.Request          = consumerMembersRequest{}
	_ kmsg.Response         = (*consumerMembersResponse)(nil)
	_ kmsg.ThrottleResponse = (*consumerMembersResponse)(nil)
)

// ResponseKind returns what the client is to read the answer into.
func (r membersRequest) ResponseKind() kmsg.Response {
	return &membersResponse{DescribeGroupsResponse: kmsg.DescribeGroupsResponse{Version: r.Version}}
}

// ResponseKind returns what the client is to read the answer into.
func (r consumerMembersRequest) ResponseKind() kmsg.Response {
	return &consumerMembersResponse{ConsumerGroupDescribeResponse: kmsg.ConsumerGroupDescribeResponse{Version: r.Version}}
}

// membersResponse is the answer to a membersRequest. Of kmsg's fields, only Version and ThrottleMillis are set.
type membersResponse struct {
	kmsg.DescribeGroupsResponse
	decodeBody
}

// consumerMembersResponse is the answer to a consumerMembersRequest. Of kmsg's fields, only Version and ThrottleMillis are set.
type consumerMembersResponse struct {
	kmsg.ConsumerGroupDescribeResponse
	decodeBody
}

// ReadFrom keeps src for decode.
func (r *membersResponse) ReadFrom(src []byte) (err error) {
	r.ThrottleMillis, err = r.keep(src, r.Version >= 1)
	return err
}

// ReadFrom keeps src for decode.
func (r *consumerMembersResponse) ReadFrom(src []byte) (err error) {
	r.ThrottleMillis, err = r.keep(src, true)
	return err
}

// decodedMembers is what the broker answered about one group. It is shared with later answers and must not be changed.
type decodedMembers struct {
	Group        string
	Code         int16
	State        string
	ProtocolType string // empty from ConsumerGroupDescribe
	Protocol     string // the assignor
	Members      []lag.Member
	// Err says that what a member told the others could not be read. The members are all there, without those topics.
	Err error
}

// decode returns the groups that are wanted, of their members' topics those for which topic is true, which must be the same
// function for all users of the cache. An error means that nothing of the answer can be relied on.
//
// likely are names in the order in which the groups are likely to come.
func (r *membersResponse) decode(groups decodeNames, likely []string, topic func(name string) bool, cache *memberCache) ([]decodedMembers, error) {
	d := membersDecoder{
		decodeCursor: newDecodeCursor(r.body, r.IsFlexible()),
		format:       memberFormat{r.Key(), r.Version}, group: classicGroup, topic: topic, cache: cache, likely: likely,
	}
	if r.Version >= 1 {
		d.int32() // throttle time
	}
	out := d.groups(groups)
	if err := d.finish("DescribeGroups", r.Version); err != nil {
		return nil, err
	}
	return out, nil
}

// decode does what membersResponse's does.
func (r *consumerMembersResponse) decode(groups decodeNames, likely []string, topic func(name string) bool, cache *memberCache) ([]decodedMembers, error) {
	d := membersDecoder{
		decodeCursor: newDecodeCursor(r.body, r.IsFlexible()),
		format:       memberFormat{r.Key(), r.Version}, group: consumerGroup, topic: topic, cache: cache, likely: likely,
	}
	d.int32() // throttle time
	out := d.groups(groups)
	if err := d.finish("ConsumerGroupDescribe", r.Version); err != nil {
		return nil, err
	}
	return out, nil
}

type membersDecoder struct {
	decodeCursor
	format memberFormat
	group  func(c *memberCursor) decodedMembers
	topic  func(name string) bool
	cache  *memberCache
	likely []string // the names of the groups that are likely to come next
}

// groups reads each group once, to see what it is called and where it ends; and again, to keep it, only if it is wanted and
// is not the same, byte for byte, as the last time. If it comes when it is expected and is the same, it is not read at all.
func (d *membersDecoder) groups(names decodeNames) []decodedMembers {
	n := d.array(12) // code, name, state, protocol type, protocol, members, authorized operations, tags
	out := make([]decodedMembers, 0, min(n, decodeArenaChunk))
	for ; n > 0 && d.err == nil; n-- {
		if same, ok := d.unchanged(); ok {
			out = append(out, same)
			continue
		}
		first := memberCursor{decodeCursor: d.decodeCursor, version: d.format.version}
		code := d.group(&first).Code
		raw := d.rest[:len(d.rest)-len(first.rest)]
		if d.decodeCursor = first.decodeCursor; d.err != nil {
			break
		}
		if name, wanted := names(first.name); wanted {
			out = append(out, d.keep(name, raw, code == 0))
			d.passed(name)
		}
	}
	d.tags()
	return out
}

// unchanged returns the group that is likely to come next, if it does come next and is the same as the last time.
func (d *membersDecoder) unchanged() (decodedMembers, bool) {
	if len(d.likely) == 0 {
		return decodedMembers{}, false
	}
	entry, known := d.cache.entry(d.likely[0], d.format)
	if !known || len(entry.raw) > len(d.rest) || string(d.rest[:len(entry.raw)]) != entry.raw {
		return decodedMembers{}, false
	}
	d.rest, d.likely = d.rest[len(entry.raw):], d.likely[1:]
	return entry.decoded, true
}

// passed notes that the group has come.
func (d *membersDecoder) passed(name string) {
	if len(d.likely) > 0 && d.likely[0] == name {
		d.likely = d.likely[1:]
	}
}

func (d *membersDecoder) keep(name string, raw []byte, cached bool) decodedMembers {
	if known, ok := d.cache.entry(name, d.format); ok && cached && known.raw == string(raw) {
		return known.decoded
	}
	c := memberCursor{decodeCursor: newDecodeCursor(raw, d.flexible), version: d.format.version, whole: string(raw), topic: d.topic}
	decoded := d.group(&c)
	decoded.Group = name
	if cached {
		d.cache.put(name, memberCacheEntry{d.format, c.whole, decoded})
	}
	return decoded
}

// memberCache holds what was last decoded of each group. Most groups stay as they are from one poll to the next. It may be used
// concurrently; its zero value is empty.
type memberCache struct {
	mu      sync.Mutex
	byGroup map[string]memberCacheEntry // mu
}

type memberCacheEntry struct {
	format  memberFormat
	raw     string
	decoded decodedMembers
}

// memberFormat is the request and its version, without which the bytes of an answer mean nothing.
type memberFormat struct{ key, version int16 }

func (c *memberCache) entry(group string, format memberFormat) (memberCacheEntry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.byGroup[group]
	return entry, ok && entry.format == format
}

func (c *memberCache) put(group string, entry memberCacheEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byGroup == nil {
		c.byGroup = make(map[string]memberCacheEntry)
	}
	c.byGroup[group] = entry
}

func (c *memberCache) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byGroup)
}

// retain forgets the groups that are not alive. alive must not use the cache.
func (c *memberCache) retain(alive func(group string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.byGroup, func(group string, _ memberCacheEntry) bool { return !alive(group) })
}
