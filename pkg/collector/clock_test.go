package collector

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/wallclock"
)

// A collection began before the clock was set by an hour: its age is what it is, its time what the clock showed, and the next one counts.
func TestRow22ClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			var began []time.Time
			f := newFixture(time.Minute, readerFunc(func(context.Context) *lag.Observation {
				o, ago := healthy(), time.Hour
				if len(began) > 0 {
					ago = time.Minute
				}
				wallclock.SetAll(o, func(read time.Time) time.Time { return wallclock.Set(read.Add(-ago), -by) }) // as the clock was before
				began = append(began, o.StartedAt)
				return o
			}))
			for poll := range 2 {
				f.pollAll(t.Context())
				at := began[poll]
				least := time.Since(at)
				age := gauge(t, f, "kafka_lag_collector_snapshot_age_seconds")
				if most := time.Since(at); age < least.Seconds() || age > most.Seconds() {
					t.Errorf("poll %d: an age of %v s, want %s to %s", poll, age, least, most)
				}
				if last := testutil.ToFloat64(f.metrics.clusterRead); last != unixSeconds(at) || f.store.Snapshots()[0].TakenAt != at {
					t.Errorf("poll %d: last success %v, want %v", poll, last, unixSeconds(at))
				}
			}
			if strings.Contains(f.log.String(), "level=WARN") {
				t.Errorf("%s", f.log)
			}
		})
	}
}

// gauge is the value of the only series of that name.
func gauge(t *testing.T, f fixture, name string) float64 {
	t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name && len(family.GetMetric()) == 1 {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is not one series of %s", name)
	return 0
}
