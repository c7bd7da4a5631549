package kafka

import (
	"bytes"
	"slices"
	"sync"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// metadataCache holds the last answer about all topics, and what follows from it alone. Most of the time nothing has changed from one
// poll to the next, and the same bytes mean the same. It may be used concurrently; its zero value is empty.
type metadataCache struct {
	mu      sync.Mutex
	version int16 // mu
	body    []byte
	last    *listedTopics
}

// listedTopics is what follows from an answer about all topics. It is shared and must not be changed.
type listedTopics struct {
	*decodedMetadata
	topics     []lag.Topic // those that are to be read
	places     map[string]int
	leaderless map[partitionName]int16
	ends       []offsetsAsked // what to ask the leaders for, to get the ends of all the topics; nil if that was not worked out yet
}

// decode decodes the answer, unless it is the same as the last one.
func (m *metadataCache) decode(resp *metadataResponse, names decodeNames) (*decodedMetadata, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last != nil && m.version == resp.Version && bytes.Equal(m.body, resp.body) {
		return m.last.decodedMetadata, nil
	}
	decoded, err := resp.decode(names)
	if err != nil {
		return nil, err
	}
	m.version, m.body, m.last = resp.Version, resp.body, &listedTopics{decodedMetadata: decoded}
	return decoded, nil
}

// listed returns what follows from the answer, which derive works out if it is not known.
func (m *metadataCache) listed(of *decodedMetadata, derive func(*listedTopics)) *listedTopics {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.last
	if all == nil || all.decodedMetadata != of { // another answer came at the same time
		all = &listedTopics{decodedMetadata: of}
	}
	if all.places == nil {
		derive(all)
		all.topics, all.places = slices.Clip(all.topics), placesOf(all.topics)
	}
	return all
}

func placesOf(topics []lag.Topic) map[string]int {
	places := make(map[string]int, len(topics))
	for i := range topics {
		places[topics[i].Name] = i
	}
	return places
}
