// Package wallclock makes the times that a process would read if somebody set its
// machine's clock: another wall clock time, and the same monotonic one. Setting the
// clock itself takes the machine with it, and faked times have no monotonic reading.
package wallclock

import (
	"fmt"
	"reflect"
	"time"
	"unsafe"
)

// hasMonotonic is the bit of a time.Time that has a monotonic reading. Its seconds are above its nanoseconds, which take 30 bits.
const (
	hasMonotonic = 1 << 63
	secondsShift = 30
)

// Set returns t as read from a clock that was set forth by whole seconds, or back. t has to be from time.Now, or to be derived from such a
// time. It panics if it cannot be done: a test on another kind of time would show nothing.
func Set(t time.Time, by time.Duration) time.Time {
	set := t
	wall := (*uint64)(unsafe.Pointer(&set)) //nolint:gosec // the first word of a time.Time; what comes of it is checked
	if *wall&hasMonotonic == 0 {
		panic(fmt.Sprintf("%s has no monotonic reading", t))
	}
	*wall += uint64(int64(by/time.Second)) << secondsShift //nolint:gosec // wraps where it goes back, as it should
	if set.Sub(t) != 0 || set.Round(0).Sub(t.Round(0)) != by {
		panic(fmt.Sprintf("%s set by %s is %s", t, by, set))
	}
	return set
}

// SetAll replaces each time in what v points to, but for zero ones.
func SetAll(v any, replace func(time.Time) time.Time) { walk(reflect.ValueOf(v), replace) }

func walk(v reflect.Value, replace func(time.Time) time.Time) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() && v.Elem().Kind() != reflect.Pointer {
			walk(v.Elem(), replace)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), replace)
		}
	case reflect.Struct:
		if t, ok := reflect.TypeAssert[time.Time](v); ok {
			if v.CanSet() && !t.IsZero() {
				v.Set(reflect.ValueOf(replace(t)))
			}
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				walk(v.Field(i), replace)
			}
		}
	}
}
