package app

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// reloadable are the common settings that count from a reload on; so do those that Extension.Reloadable names, and all that begin as a
// section does. The others are those of ports that are open, and of what is made once; what is not listed here counts at the start only.
func reloadable() (settings, sections []string) {
	return []string{
		"brokers", "clusters", "cluster-label", "dialect", "earliest-groups", "group-exclude", "group-include", "groups", "ignore-unsubscribed-groups", "log-level",
		"max-age", "max-groups", "max-partitions", "poll-interval", "read-committed-groups", "topic-exclude", "topic-include",
	}, []string{"kafka."}
}

// needsRestart returns which of the settings that have changed cannot, as long as the program runs.
func (l Loaded) needsRestart(next Loaded) error {
	settings, sections := reloadable()
	if l.Extension != nil {
		settings = append(settings, l.Extension.Reloadable()...)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(next.values)) {
		inSection := func(section string) bool { return strings.HasPrefix(name, section) }
		if slices.Contains(settings, name) || slices.ContainsFunc(sections, inSection) {
			continue
		}
		if before, now := l.values[name], next.values[name]; before != now {
			errs = append(errs, fmt.Errorf("%s: %q instead of %q cannot be applied while the program runs; restart it, or set it as it was", name, now, before))
		}
	}
	return errors.Join(errs...)
}
