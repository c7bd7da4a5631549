package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// askVersions asks the broker what it can do, and remembers it.
func (k *link) askVersions(ctx context.Context, node int32, send func(context.Context, kmsg.Request) (kmsg.Response, error)) error {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = clientID, "unknown"
	resp, err := send(ctx, req)
	if err == nil {
		err = codeError(node, req, resp.(*kmsg.ApiVersionsResponse).ErrorCode)
	}
	if err != nil {
		return readError(node, req, err)
	}
	versions := make(map[int16]int16)
	for _, key := range resp.(*kmsg.ApiVersionsResponse).ApiKeys {
		versions[key.ApiKey] = key.MaxVersion
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.versions = versions
	return nil
}

// capable asks what the broker can do, unless it has said so already, and returns what it lacks; nil if it does not say.
func (c *collection) capable(ctx context.Context, b *brokerState) []lag.Capability {
	k, err := c.lane.link(b.address)
	if err != nil || k.gate.pass(k.ctx) != nil {
		return nil
	}
	k.mu.Lock()
	versions := k.versions
	k.mu.Unlock()
	if versions == nil {
		if k.askVersions(ctx, b.id, k.request) != nil { // what else is asked of it will say why
			return nil
		}
		k.mu.Lock()
		versions = k.versions
		k.mu.Unlock()
	}
	var lacking []lag.Capability
	for _, capability := range lag.Capabilities() {
		if key, least := requestFor(capability); !has(versions, key, least) {
			lacking = append(lacking, capability)
		}
	}
	return lacking
}

func has(versions map[int16]int16, key, least int16) bool {
	version, ok := versions[key]
	return ok && version >= least
}

// requestFor returns the request, and its lowest version, that a broker must know to be capable of it.
func requestFor(capability lag.Capability) (key, least int16) {
	switch capability {
	case lag.CapabilityBatchedCommits:
		return int16(kmsg.OffsetFetch), offsetFetchGroups
	case lag.CapabilityGroupTypes:
		return int16(kmsg.ListGroups), 5
	case lag.CapabilityConsumerGroups:
		return int16(kmsg.ConsumerGroupDescribe), 0
	case lag.CapabilityShareGroups:
		return int16(kmsg.ShareGroupDescribe), 0
	case lag.CapabilityShareLag:
		return int16(kmsg.DescribeShareGroupOffsets), 1
	case lag.CapabilityStreamsGroups:
		return int16(kmsg.StreamsGroupDescribe), 0
	case lag.CapabilityTopicIDs:
		return int16(kmsg.Metadata), 10
	case lag.CapabilityLastStable:
		return int16(kmsg.ListOffsets), isolationVersion
	case lag.CapabilityLeaderEpochs:
		return int16(kmsg.ListOffsets), 4
	case lag.CapabilityEpochEnds:
		return int16(kmsg.OffsetForLeaderEpoch), epochEndsVersion
	}
	return -1, 0
}
