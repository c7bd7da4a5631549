package app

import (
	"testing"
	"time"
)

// Short intervals leave a poll the time that brokers with a latency of 400 ms need for the four requests one after the other, as long
// as values do not get too old meanwhile; long ones do not let a hung broker hold the others back.
func TestRow13PollTimeout(t *testing.T) {
	for _, tc := range []struct{ interval, maxAge, want time.Duration }{
		{5 * time.Second, time.Minute, 4500 * time.Millisecond},
		{time.Second, 10 * time.Second, 2500 * time.Millisecond},
		{time.Second, 4 * time.Second, time.Second},
		{time.Second, 2 * time.Second, 900 * time.Millisecond},
		{time.Minute, time.Hour, 30 * time.Second},
	} {
		if got := pollTimeout(tc.interval, tc.maxAge); got != tc.want {
			t.Errorf("interval %v, max-age %v: %v, want %v", tc.interval, tc.maxAge, got, tc.want)
		}
	}
}
