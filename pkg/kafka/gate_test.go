package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// These tests run on a clock of their own, see testing/synctest.

func failure(class lag.Class) error {
	return &lag.ReadError{Class: class, Broker: 1, Op: "Test", Err: errors.New("on purpose")}
}

// door is a gate with a record of the attempts made to find its broker, which answers after so many of them.
type door struct {
	gate
	class    lag.Class       // of the failures
	answers  int             // which attempt is answered
	attempts []time.Duration // whole once the search is over
	tried    atomic.Int64    // how many these are so far
	start    time.Time
}

func newDoor(hold *authHold, class lag.Class, answers int) *door {
	d := &door{class: class, answers: answers, start: time.Now()}
	d.hold = hold
	d.try = func(context.Context, bool) error {
		d.attempts = append(d.attempts, time.Since(d.start))
		d.tried.Add(1)
		if len(d.attempts) == d.answers {
			return nil
		}
		return failure(d.class)
	}
	return d
}

func TestRow1SuspendedBrokerIsRefusedAtOnceAndFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(&authHold{}, lag.ClassTimeout, 8)
		if err := d.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.failed(t.Context(), failure(lag.ClassTimeout))
		d.failed(t.Context(), failure(lag.ClassTimeout)) // starts no second search
		if err := d.pass(t.Context()); lag.ClassOf(err) != lag.ClassTimeout {
			t.Fatalf("%v, want the timeout", err)
		}
		d.looks.Wait()
		if err := d.pass(t.Context()); err != nil {
			t.Fatalf("the broker answered: %v", err)
		}
		for i := 1; i < len(d.attempts); i++ {
			low := min(minBackoff<<i, maxBackoff) / 2
			if gap := d.attempts[i] - d.attempts[i-1]; gap < low || gap > 2*low {
				t.Errorf("%s between attempts %d and %d, want %s to %s", gap, i, i+1, low, 2*low)
			}
		}
	})
}

// Clients that lose a broker at the same moment do not come back in step: jitter has each look for it at times of its own.
func TestRow20ManyDoNotComeBackInStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients, attempts, apart = 100, 6, 10 * time.Millisecond
		doors := make([]*door, clients)
		for i := range doors {
			doors[i] = newDoor(&authHold{}, lag.ClassConnection, attempts)
			doors[i].failed(t.Context(), failure(lag.ClassConnection))
		}
		for _, d := range doors {
			d.looks.Wait()
		}
		for attempt := range attempts {
			at := map[time.Duration]int{}
			for _, d := range doors {
				at[d.attempts[attempt].Truncate(apart)]++
			}
			for when, n := range at { // the first come within 50 ms, in which there is room for 5 times apart
				if n > clients/2 {
					t.Errorf("attempt %d: %d of %d clients within %s of each other, at %s", attempt+1, n, clients, apart, when)
				}
			}
		}
	})
}

func TestErrorsOfItemsSuspendNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(&authHold{}, lag.ClassTimeout, 1)
		for _, err := range []error{
			failure(lag.ClassCoordinator), failure(lag.ClassAuthorization), failure(lag.ClassProtocol), failure(lag.ClassUnsupported),
			&lag.ReadError{Class: lag.ClassConnection, Err: context.Canceled},
		} {
			d.failed(t.Context(), err)
			if d.isShut() {
				t.Errorf("suspended by %v", err)
			}
		}
	})
}

func TestRow21FailedAuthenticationsAreFewAndFarBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := &authHold{}
		ctx, cancel := context.WithCancel(t.Context())
		doors := []*door{newDoor(hold, lag.ClassAuthentication, 0), newDoor(hold, lag.ClassAuthentication, 0), newDoor(hold, lag.ClassAuthentication, 0)}
		doors[0].failed(ctx, failure(lag.ClassAuthentication))
		for _, d := range doors {
			if err := d.pass(ctx); lag.ClassOf(err) != lag.ClassAuthentication {
				t.Fatalf("%v, want every broker to wait", err)
			}
		}
		time.Sleep(time.Hour) // of the test's own clock
		cancel()
		var all []time.Duration
		for _, d := range doors {
			d.wait()
			all = append(all, d.attempts...)
		}
		if len(all) < 45 || len(all) > 70 { // at 60 to 72 s each
			t.Errorf("%d attempts in an hour", len(all))
		}
		for i, a := range all {
			if a < minAuthBackoff {
				t.Errorf("an attempt after %s", a)
			}
			for _, b := range all[i+1:] {
				if gap := (a - b).Abs(); gap < minAuthBackoff {
					t.Errorf("two attempts %s apart, at %s and %s", gap, a, b)
				}
			}
		}
	})
}

// A password that is put right is tried as soon as one may be, however long the wrong one has been refused.
func TestRow21WhatIsPutRightIsTriedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := &authHold{}
		hold.hasten() // there is nothing to hasten
		d := newDoor(hold, lag.ClassAuthentication, 8)
		d.failed(t.Context(), failure(lag.ClassAuthentication))
		time.Sleep(4 * time.Minute) // of the test's own clock: attempts are a minute apart by now
		synctest.Wait()
		tried := d.tried.Load()
		began := time.Now()
		for d.tried.Load() == tried {
			hold.hasten()
			hold.hasten() // as the other lane does
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if took := time.Since(began); took > minAuthBackoff+time.Second {
			t.Errorf("the next attempt came after %s", took)
		}
		d.looks.Wait()
		for i := 1; i < len(d.attempts); i++ {
			if apart := d.attempts[i] - d.attempts[i-1]; apart < minAuthBackoff {
				t.Errorf("two attempts %s apart", apart)
			}
		}
	})
}

func TestRow21AllBrokersComeBackOnceThePasswordIsRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := &authHold{}
		var doors []*door
		for range 20 {
			doors = append(doors, newDoor(hold, lag.ClassAuthentication, 1))
		}
		for _, d := range doors {
			d.failed(t.Context(), failure(lag.ClassAuthentication))
		}
		start := time.Now()
		for _, d := range doors {
			d.looks.Wait()
		}
		if took := time.Since(start); took > 2*minAuthBackoff {
			t.Errorf("20 brokers took %s of the test's clock", took)
		}
	})
}

// A broker whose own accounts are broken must not keep the others from being tried, even if it was the first to be.
func TestRow21OneBadBrokerDoesNotBarTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := &authHold{}
		ctx, cancel := context.WithCancel(t.Context())
		bad, good := newDoor(hold, lag.ClassAuthentication, 0), newDoor(hold, lag.ClassAuthentication, 1)
		bad.failed(ctx, failure(lag.ClassAuthentication))
		if good.pass(ctx) == nil {
			t.Error("the good broker did not wait for its turn")
		}
		good.looks.Wait()
		if err := good.pass(ctx); err != nil || !bad.isShut() {
			t.Errorf("good: %v; bad suspended: %t", err, bad.isShut())
		}
		cancel()
		bad.wait()
	})
}

func TestSlowReadsAreSpread(t *testing.T) {
	p := newPace(10 * time.Second)
	readAt := p.base.Add(time.Second)
	due := func(after time.Duration) (n int) {
		for i := range 1000 {
			if p.due(readAt, readAt.Add(after), p.hash(fmt.Sprint("orders-", i))) {
				n++
			}
		}
		return n
	}
	if n := due(0); n != 0 {
		t.Errorf("%d due at once", n)
	}
	if n := due(10 * time.Second); n != 1000 {
		t.Errorf("%d due after the whole period, want all 1000", n)
	}
	if n := due(5 * time.Second); n < 400 || n > 600 {
		t.Errorf("%d of 1000 due after half the period", n)
	}
	if all := newPace(0); !all.due(readAt, readAt, 0) {
		t.Error("without a period, everything is always due")
	}
}
