package kafka

import (
	"bytes"
	"sync"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// metadataCache holds the last answer about all topics. Most of the time nothing has changed from one poll to the next, and the same
// bytes mean the same. It may be used concurrently; its zero value is empty.
type metadataCache struct {
	mu      sync.Mutex
	version int16            // mu
	body    []byte           // mu
	decoded *decodedMetadata // mu
	places  map[string]int   // mu; of those topics of decoded that are to be read, in their order
}

// topicPlaces returns where the topics stand, if they are those of the answer and no others.
func (m *metadataCache) topicPlaces(of *decodedMetadata, topics []lag.Topic) map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.decoded != of {
		return placesOf(topics)
	}
	if m.places == nil {
		m.places = placesOf(topics)
	}
	return m.places
}

func placesOf(topics []lag.Topic) map[string]int {
	places := make(map[string]int, len(topics))
	for i := range topics {
		places[topics[i].Name] = i
	}
	return places
}

// decode decodes the answer, unless it is the same as the last one. The result is shared and must not be changed.
func (m *metadataCache) decode(resp *metadataResponse, topics decodeNames) (*decodedMetadata, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.decoded != nil && m.version == resp.Version && bytes.Equal(m.body, resp.body) {
		return m.decoded, nil
	}
	decoded, err := resp.decode(topics)
	if err != nil {
		return nil, err
	}
	m.version, m.body, m.decoded, m.places = resp.Version, resp.body, decoded, nil
	return decoded, nil
}
