package lag_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/wallclock"
)

// steppedClock is a clock that is set at some second of the story that a test tells.
type steppedClock struct {
	base time.Time
	by   time.Duration
	from time.Duration // since base
}

// read returns what the clock shows after so long.
func (c steppedClock) read(after time.Duration) time.Time {
	t := c.base.Add(after)
	if after >= c.from {
		t = wallclock.Set(t, c.by)
	}
	return t
}

// of puts an observation of the DSL's times on this clock.
func (c steppedClock) of(o *lag.Observation) *lag.Observation {
	wallclock.SetAll(o, func(t time.Time) time.Time { return c.read(t.Sub(at(0))) })
	return o
}

func (c steppedClock) sum(s *lag.Snapshot, after time.Duration) (lag.Total, error) {
	return lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{"billing"}, What: "billing"}, c.read(after), maxAge)
}

func steppedClocks(t *testing.T, do func(t *testing.T, clock steppedClock)) {
	t.Helper()
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		for _, from := range []time.Duration{0, time.Second / 4, 3 * time.Second, 5 * time.Second, 5*time.Second + time.Second/4, 7 * time.Second, time.Hour} {
			t.Run(fmt.Sprintf("%s after %s", by, from), func(t *testing.T) { do(t, steppedClock{time.Now(), by, from}) })
		}
	}
}

// Whenever the clock is set, before a collection, while it runs, or after it: what was read later counts, a value is served for as long
// as max-age and no longer, and has the time that the clock showed when it was read.
func TestRow22AgesAreMonotonic(t *testing.T) {
	steppedClocks(t, func(t *testing.T, clock steppedClock) {
		lags := func(second int, commit int64) *lag.Observation {
			return clock.of(observe(second, topic("orders", log(0, 100)), group("billing", commits("orders", commit), subscribes("orders"))))
		}
		s := compute(lag.Policy{}, lags(0, 10), lags(5, 70))
		for _, after := range []time.Duration{6 * time.Second, 8 * time.Second, 5*time.Second + maxAge} {
			total, err := clock.sum(s, after)
			if err != nil || total.Lag != 30 || total.ReadAt.Unix() != clock.read(5*time.Second).Unix() {
				t.Errorf("after %s: %+v, %v; want 30 read at %s", after, total, err, clock.read(5*time.Second))
			}
		}
		const late = 5*time.Second + maxAge + time.Millisecond
		total, err := clock.sum(s, late)
		if unknown, ok := errors.AsType[*lag.UnknownError](err); !ok || unknown.Age != late-5*time.Second {
			t.Errorf("after %s: %+v, %v", late, total, err)
		}
		s = lag.Compute(s, lags(0, 10), everyone(lag.Policy{})) // another lane's, which began before and comes late
		if total, err := clock.sum(s, 6*time.Second); err != nil || total.Lag != 30 {
			t.Errorf("after an earlier reading came in: %+v, %v", total, err)
		}
	})
}

// What ages besides: the list of groups, by which there are no others; members; a partition of a group; the metadata.
func TestRow22WhatElseAges(t *testing.T) {
	steppedClocks(t, func(t *testing.T, clock steppedClock) {
		s := compute(lag.Policy{}, clock.of(healthy(0)), clock.of(healthy(5)))
		all := []*lag.Snapshot{s}
		const last, late = 5*time.Second + maxAge, 5*time.Second + maxAge + time.Second
		for name, known := range map[string]func(now time.Time) bool{
			"all groups": func(now time.Time) bool {
				total, err := lag.Sum(all, lag.Selection{What: "all"}, now, maxAge)
				return err == nil && total.Lag == 37 && total.Members == 1
			},
			"no such group": func(now time.Time) bool {
				_, err := lag.Sum(all, lag.Selection{Groups: []string{"misspelt"}, What: "misspelt"}, now, maxAge)
				_, absent := errors.AsType[*lag.AbsentError](err)
				return absent
			},
			"no such partition": func(now time.Time) bool {
				none := lag.Selection{Groups: []string{"billing"}, What: "billing"}
				onPartitions(7)(&none)
				_, err := lag.Sum(all, none, now, maxAge)
				_, absent := errors.AsType[*lag.AbsentError](err)
				return absent
			},
			"members": func(now time.Time) bool {
				total, err := lag.Sum(all, lag.Selection{Groups: []string{"billing"}, What: "billing"}, now, maxAge)
				return err == nil && total.Members == 1 && total.MembersErr == nil
			},
			"a partition": func(now time.Time) bool {
				one := lag.Selection{Groups: []string{"billing"}, What: "billing"}
				onTopics("orders")(&one)
				onPartitions(1)(&one)
				total, err := lag.Sum(all, one, now, maxAge)
				return err == nil && total.Lag == 20
			},
			"a row": func(now time.Time) bool {
				o := &s.Group("billing").Topics[0]
				return o.RowKnown(&o.Partitions[0], now, maxAge)
			},
			"a reading":  func(now time.Time) bool { _, _, ok := s.Group("billing").Reading(now, maxAge); return ok },
			"an offset":  func(now time.Time) bool { end := s.Topics[0].Ends.At(0); return end.Known(now, maxAge) },
			"a topic":    func(now time.Time) bool { return s.Topics[0].Known(now, maxAge) },
			"the topics": func(now time.Time) bool { return s.MetadataKnown(now, maxAge) },
		} {
			if !known(clock.read(6*time.Second)) || !known(clock.read(last)) {
				t.Errorf("%s: not known within max-age", name)
			}
			if known(clock.read(late)) {
				t.Errorf("%s: known beyond max-age", name)
			}
		}
		_, err := lag.Sum(all, lag.Selection{What: "all"}, clock.read(late), maxAge)
		if unknown, ok := errors.AsType[*lag.UnknownError](err); !ok || unknown.Age != late-5*time.Second {
			t.Errorf("of all groups is told %v, want an age of %s", err, late-5*time.Second)
		}
	})
}

// A commit beyond the log is not believed once it was so for long enough, and a cluster whose groups are not known yet has a say for as
// long: what is told of both is the same whatever the clock was set to meanwhile.
func TestRow22WhatIsWaitedFor(t *testing.T) {
	ends := []int64{100, 100, 100, 200, 200, 200}
	story := func(clock steppedClock, long bool) (told []string) {
		var s *lag.Snapshot
		for i, end := range ends {
			second := i // 3 s beyond the end, which does not settle it
			if long {
				second = 3 * i
			}
			s = lag.Compute(s, clock.of(observe(second, topic("orders", log(0, end)), billing(150))), nil)
			other := &lag.Snapshot{Cluster: "other", ListingErr: errNever, Awaited: clock.read(3 * time.Second)}
			for _, snapshots := range [][]*lag.Snapshot{{s}, {s, other}} {
				total, err := lag.Sum(snapshots, lag.Selection{Groups: []string{"billing"}, What: "billing"}, clock.read(time.Duration(second)*time.Second), maxAge)
				told = append(told, fmt.Sprintf("%d s, %d clusters: %d %v", second, len(snapshots), total.Lag, err))
			}
			_, err := lag.Sum([]*lag.Snapshot{s, other}, lag.Selection{Groups: []string{"misspelt"}, What: "misspelt"}, clock.read(3*time.Second+maxAge+time.Second), maxAge)
			_, absent := errors.AsType[*lag.AbsentError](err)
			told = append(told, fmt.Sprintf("%d s: absent: %v", second, absent))
		}
		return told
	}
	steppedClocks(t, func(t *testing.T, clock steppedClock) {
		for _, long := range []bool{false, true} {
			want := story(steppedClock{base: clock.base}, long)
			if got := story(clock, long); !slices.Equal(got, want) {
				t.Errorf("told is\n%s\nand would be\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

// A value that could not be read again keeps its time, and gets too old as if the clock had not been set.
func TestRow22StaleValuesAgeAsTheyDo(t *testing.T) {
	steppedClocks(t, func(t *testing.T, clock steppedClock) {
		down := clock.of(observe(5))
		down.MetadataErr, down.ListingErr = failed(lag.ClassConnection), failed(lag.ClassConnection)
		s := compute(lag.Policy{}, clock.of(healthy(0)), down)
		total, err := clock.sum(s, maxAge)
		if err != nil || total.Lag != 35 || total.ReadAt.Unix() != clock.read(0).Unix() {
			t.Errorf("%+v, %v", total, err)
		}
		if total, err := clock.sum(s, maxAge+time.Millisecond); err == nil {
			t.Errorf("%+v", total)
		}
	})
}
