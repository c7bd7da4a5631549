package collector

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// journal logs what goes wrong when it begins and when it is over, not at every poll between.
type journal struct {
	logger *slog.Logger
	since  map[string]time.Time // open problems, by key
	polled bool
	// lacking is what the brokers were last found too old for, by what they lack.
	lacking map[lag.Capability][]int32
	// startsUnread says that some share group was last found not to tell where it starts.
	startsUnread bool
}

func newJournal(logger *slog.Logger) *journal {
	return &journal{logger: logger, since: map[string]time.Time{}}
}

// continueFrom makes what another journal has said as good as said by this one. The other one must not be written to any more.
func (j *journal) continueFrom(old *journal) {
	logger := j.logger
	*j = *old
	j.logger = logger
}

func (j *journal) record(now problems) {
	for _, key := range slices.Sorted(maps.Keys(now)) {
		p := now[key]
		if _, open := j.since[key]; open {
			continue
		}
		j.since[key] = time.Now()
		j.logger.Warn("cannot be read: "+p.subject, append([]any{"class", p.class, "items", p.count, "err", p.err}, p.attrs...)...)
	}
	for _, key := range slices.Sorted(maps.Keys(j.since)) {
		if now[key] == nil {
			j.logger.Info("over: "+key, "lasted", time.Since(j.since[key]).Round(time.Millisecond).String())
			delete(j.since, key)
		}
	}
	if !j.polled && len(now) == 0 {
		j.logger.Info("the first complete collection is in")
		j.polled = true
	}
}

// recordLacking names what brokers are too old for when that is found, and when it changes.
func (j *journal) recordLacking(brokers []lag.Broker) {
	now := map[lag.Capability][]int32{}
	for i := range brokers {
		if brokers[i].Err != nil {
			return // it may not have said what it can do, which is no change
		}
		for _, capability := range brokers[i].Lacking {
			now[capability] = append(now[capability], brokers[i].ID)
		}
	}
	if len(brokers) == 0 || maps.EqualFunc(now, j.lacking, slices.Equal) {
		return
	}
	for _, capability := range lag.Capabilities() {
		if ids := now[capability]; len(ids) > 0 && !slices.Equal(ids, j.lacking[capability]) {
			j.logger.Warn("brokers are too old for: "+string(capability), "broker_ids", ids, "without_it", capability.Without())
		}
	}
	j.lacking = now
}

// recordShareStarts says so when it is found that brokers do not tell where share groups start, and when they do again. It is no
// problem, as the operator may say it instead.
func (j *journal) recordShareStarts(s *lag.Snapshot) {
	var first *lag.Group
	count := 0
	for _, g := range s.Groups {
		if g.Type == lag.GroupShare && g.Start.Err != nil {
			if count++; first == nil {
				first = g
			}
		}
	}
	switch {
	case first != nil && !j.startsUnread:
		j.logger.Warn("share groups do not tell where they start: allow DescribeConfigs on them, or name those that start at the earliest record with --earliest-groups",
			"groups", count, "first", first.Name, "err", first.Start.Err)
	case first == nil && j.startsUnread:
		j.logger.Info("share groups tell where they start again")
	}
	j.startsUnread = first != nil
}
