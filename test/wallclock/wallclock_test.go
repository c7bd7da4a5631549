package wallclock

import (
	"testing"
	"time"
)

func TestSetMovesTheWallClockOnly(t *testing.T) {
	now := time.Now()
	for _, by := range []time.Duration{time.Hour, -time.Hour, 24 * 365 * time.Hour} {
		set := Set(now, by)
		if set.Sub(now) != 0 || !set.Equal(now) || set.Unix()-now.Unix() != int64(by/time.Second) || set.Nanosecond() != now.Nanosecond() {
			t.Errorf("%s set by %s is %s", now, by, set)
		}
		if later := set.Add(time.Minute); later.Sub(now) != time.Minute {
			t.Errorf("a minute later it is %s", later.Sub(now))
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a time without a monotonic reading is taken")
		}
	}()
	Set(time.Unix(1, 0), time.Hour)
}

func TestSetAll(t *testing.T) {
	type inner struct{ At time.Time }
	v := struct {
		At, Never time.Time
		Inner     *inner
		Several   []inner
	}{time.Unix(1, 0), time.Time{}, &inner{time.Unix(2, 0)}, []inner{{time.Unix(3, 0)}}}
	SetAll(&v, func(t time.Time) time.Time { return t.Add(time.Second) })
	if v.At.Unix() != 2 || !v.Never.IsZero() || v.Inner.At.Unix() != 3 || v.Several[0].At.Unix() != 4 {
		t.Errorf("%+v", v)
	}
}
