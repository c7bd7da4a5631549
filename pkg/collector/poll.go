package collector

import (
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Poll is one poll that has ended.
type Poll struct {
	Lane string // "all" or "wanted"
	// Observation is what was read. It must not be kept, as what is in it is large.
	Observation *lag.Observation
	EndedAt     time.Time
}

// EachPoll has do called with each poll once it has ended, before the next one of its lane begins; several clusters and lanes call it at
// the same time. It must be set before the first poll, and at most once.
func (m *Metrics) EachPoll(do func(Poll)) { m.eachPoll = do }

func (m *Metrics) ended(obs *lag.Observation, lane string) {
	now := time.Now()
	m.pollDuration.WithLabelValues(obs.Cluster, lane).Observe(now.Sub(obs.StartedAt).Seconds())
	if m.eachPoll != nil {
		m.eachPoll(Poll{Lane: lane, Observation: obs, EndedAt: now})
	}
}
