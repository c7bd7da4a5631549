package exporter

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/wallclock"
)

// The clock is set by an hour after a collection: its values are shown for as long as max-age, with the time that the clock showed then.
func TestRow22ClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour, 0} {
		t.Run(by.String(), func(t *testing.T) {
			read := time.Now()
			h, s := newHandler(prometheus.NewRegistry(), &bytes.Buffer{}, compute(observe("default", read)))
			after := func(d time.Duration) map[string]float64 {
				s.setClock(wallclock.Set(read.Add(d), by))
				values, _ := parse(t, get(t, h).Body.Bytes())
				return values
			}
			const sum, up = `kafka_consumergroup_lag_sum{consumergroup="billing", topic="orders"}`, `kafka_consumergroup_up{consumergroup="billing"}`
			const at = `kafka_consumergroup_read_timestamp_seconds{consumergroup="billing"}`
			for _, d := range []time.Duration{0, time.Second, maxAge} {
				now := after(d)
				if now[sum] != 42 || now[up] != 1 || now[at] != float64(read.UnixMilli())/1000 {
					t.Errorf("after %s: a lag of %v, up %v, read at %v, want 42 read at %s", d, now[sum], now[up], now[at], read)
				}
			}
			now := after(maxAge + time.Millisecond)
			if _, shown := now[sum]; shown || now[up] != 0 {
				t.Errorf("beyond max-age: a lag of %v, up %v", now[sum], now[up])
			}
		})
	}
}

// Whatever is shown, in all dialects, is the same as if nobody had set the clock.
func TestRow22NothingDependsOnTheClock(t *testing.T) {
	read := time.Now()
	snapshot := compute(assigned("default", read))
	shownAt := func(now time.Time) string { // by another one each time, as they remember what they have shown
		h, s := newHandlerWith(everyDialect(nil), prometheus.NewRegistry(), &bytes.Buffer{}, snapshot)
		s.setClock(now)
		return get(t, h).Body.String()
	}
	for _, d := range []time.Duration{0, time.Second, maxAge, maxAge + time.Millisecond} {
		want := shownAt(read.Add(d))
		if shown := strings.Contains(want, "kafka_consumergroup_members{"); shown != (d <= maxAge) {
			t.Errorf("after %s members are shown: %v", d, shown)
		}
		for _, by := range []time.Duration{time.Hour, -time.Hour} {
			if got := shownAt(wallclock.Set(read.Add(d), by)); got != want {
				t.Errorf("after %s, and the clock set by %s, is shown\n%s\nand not\n%s", d, by, got, want)
			}
		}
	}
}
