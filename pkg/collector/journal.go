package collector

import (
	"log/slog"
	"maps"
	"slices"
	"time"
)

// journal logs what goes wrong when it begins and when it is over, not at every poll between.
type journal struct {
	logger *slog.Logger
	since  map[string]time.Time // open problems, by key
	polled bool
}

func newJournal(logger *slog.Logger) *journal {
	return &journal{logger: logger, since: map[string]time.Time{}}
}

func (j *journal) record(now problems) {
	for _, key := range slices.Sorted(maps.Keys(now)) {
		p := now[key]
		if _, open := j.since[key]; open {
			continue
		}
		j.since[key] = time.Now()
		j.logger.Warn("cannot be read: "+p.subject, "class", p.class, "items", p.count, "err", p.err)
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
