package lag_test

import (
	"errors"
	"fmt"
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
