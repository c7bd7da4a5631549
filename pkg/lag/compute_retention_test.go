package lag_test

import (
	"fmt"
	"runtime"
	"testing"
	"weak"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// TestFaultsKeepNoOldSnapshotsInMemory reads three groups many times, of which another one cannot be read each time, in part or as a
// whole. What is remembered of each must not hold on to what was worked out together with it.
func TestFaultsKeepNoOldSnapshotsInMemory(t *testing.T) {
	const polls = 60
	groups := []string{"a", "b", "c"}
	for name, fault := range map[string]func(second, bad int) *lag.Observation{
		"log ends": func(second, bad int) *lag.Observation {
			parts := []part{}
			for i, g := range groups {
				row := []topicPart{log(0, 100)}
				if i == bad {
					row = append(row, endFails(lag.ClassTimeout))
				}
				parts = append(parts, topic(g, row...), group(g, commits(g, 90)))
			}
			return observe(second, parts...)
		},
		"commits": func(second, bad int) *lag.Observation {
			parts := []part{}
			for i, g := range groups {
				row := []groupPart{commits(g, 90)}
				if i == bad {
					row = []groupPart{commitsFail(lag.ClassTimeout)}
				}
				parts = append(parts, topic(g, log(0, 100)), group(g, row...))
			}
			return observe(second, parts...)
		},
		"commits and then log ends": func(second, bad int) *lag.Observation {
			parts := []part{}
			for i, g := range groups {
				row, ends := []groupPart{commits(g, 90)}, []topicPart{log(0, 100)}
				switch i {
				case bad:
					row = []groupPart{commitsFail(lag.ClassTimeout)}
				case (bad + 2) % len(groups):
					ends = append(ends, endFails(lag.ClassTimeout))
				}
				parts = append(parts, topic(g, ends...), group(g, row...))
			}
			return observe(second, parts...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s *lag.Snapshot
			var taken []weak.Pointer[lag.Group]
			for i := range polls {
				s = lag.Compute(s, fault(5*i, i%len(groups)), nil)
				taken = append(taken, weak.Make(s.Groups[0]))
			}
			runtime.GC()
			kept := 0
			for _, p := range taken {
				if p.Value() != nil {
					kept++
				}
			}
			if kept != 1 {
				t.Errorf("of %d snapshots, %d are in memory", polls, kept)
			}
			runtime.KeepAlive(s)
		})
	}
}

// TestUnreadGroupsKeepNoOthersInMemory has groups fail for good, one after the other.
func TestUnreadGroupsKeepNoOthersInMemory(t *testing.T) {
	const groups = 40
	var s *lag.Snapshot
	var taken []weak.Pointer[lag.TopicLag]
	for i := range groups {
		parts := []part{topic("orders", log(0, 100)), group("z", commits("orders", 90))}
		for g := range groups {
			reading := commits("orders", 90)
			if g < i {
				reading = commitsFail(lag.ClassAuthorization)
			}
			parts = append(parts, group(fmt.Sprintf("group-%02d", g), reading))
		}
		s = lag.Compute(s, observe(5*i, parts...), nil)
		taken = append(taken, weak.Make(&s.Group("z").Topics[0]))
	}
	runtime.GC()
	kept := 0
	for _, p := range taken {
		if p.Value() != nil {
			kept++
		}
	}
	if kept != 1 {
		t.Errorf("of %d snapshots, %d are in memory", groups, kept)
	}
	total, err := ask(s, 5*(groups-1), "group-30")
	wantLag(t, total, err, 10, 5*30)
}
