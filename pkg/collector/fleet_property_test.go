package collector

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// fleetEnd is what can be seen of a fleet.
type fleetEnd struct {
	groups, labels, open []string
}

// Whatever the members were on the way, in the end the fleet is as if it had been started with the last ones.
func TestFleetEndsLikeAFreshOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sets := rapid.SliceOfN(rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.SampledFrom([]string{"one", "two"}), 1, 3), 1, 8).Draw(rt, "members")
		pauses := rapid.SliceOfN(rapid.SampledFrom([]time.Duration{0, time.Millisecond, 4999 * time.Millisecond, 12 * time.Second}), len(sets), len(sets)).Draw(rt, "pauses")
		run := func(sets []map[string]string) (end fleetEnd) {
			synctest.Test(t, func(t *testing.T) {
				all := newClusters()
				members := func(set map[string]string) (list []Member) {
					for _, name := range slices.Sorted(maps.Keys(set)) {
						list = append(list, all.member(name, set[name]))
					}
					return list
				}
				f := newTestFleet(t, all, members(sets[0])...)
				for i, set := range sets[1:] {
					time.Sleep(pauses[i])
					f.apply(t, members(set)...)
				}
				time.Sleep(11 * time.Second) // two lists without a group say that it is gone
				synctest.Wait()
				end.groups, end.labels = f.shown(t)
				end.open = all.opened()
				f.end(t)
			})
			return end
		}
		if got, want := run(sets), run(sets[len(sets)-1:]); !reflect.DeepEqual(got, want) {
			rt.Errorf("after the changes: %+v; started so: %+v", got, want)
		}
	})
}
