package kube

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// reads counts and answers with what it was told.
type reads struct {
	count int
	value string
	err   error
}

func (r *reads) read(context.Context) (string, error) {
	r.count++
	return r.value, r.err
}

func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory[string](8, time.Now)
		api := &reads{value: "first"}
		ask := func(want, wantErr string, reads int) {
			t.Helper()
			got, err := m.get(t.Context(), "k", api.read)
			synctest.Wait()
			if err == nil && wantErr != "" || err != nil && err.Error() != wantErr || got != want || api.count != reads {
				t.Errorf("got %q, %v after %d reads, want %q, %s after %d", got, err, api.count, want, wantErr, reads)
			}
		}
		ask("first", "", 1)
		api.value = "second"
		<-time.After(foundTTL - 1)
		ask("first", "", 1)
		<-time.After(1)
		ask("first", "", 2) // which is read meanwhile
		ask("second", "", 2)
		api.value = "third"
		<-time.After(servedTTL)
		ask("third", "", 3)

		api.value, api.err = "", errors.New("away")
		lost := time.Now()
		<-time.After(foundTTL)
		ask("third", "", 4)
		ask("third", "", 4) // it is not asked again at once
		<-time.After(absentTTL)
		ask("third", "", 5)
		<-time.After(time.Until(lost.Add(staleTTL)))
		ask("third", "", 6)
		<-time.After(absentTTL)
		ask("", "away", 7)
		ask("", "away", 8)

		api.err = notFound("gone")
		ask("", "gone", 9)
		ask("", "gone", 9)
		<-time.After(absentTTL)
		api.value, api.err = "fourth", nil
		ask("fourth", "", 10)
	})
}

// What nobody asks for any more takes no memory.
func TestMemoryForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory[string](1000, time.Now)
		ask := func(key string) {
			if _, err := m.get(t.Context(), key, (&reads{}).read); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 100 {
			ask(fmt.Sprint("gone-", i))
		}
		<-time.After(staleTTL + foundTTL + 1)
		ask("another")
		if counts := m.recent.Metrics(); counts.Insertions != 101 || counts.Evictions != 100 {
			t.Errorf("%d were kept, %d forgotten", counts.Insertions, counts.Evictions)
		}
	})
}

// Who asks as often as a HorizontalPodAutoscaler waits only once, and what is served is never older than servedTTL.
func TestMemoryKeepsNoHPAWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory[time.Time](8, time.Now)
		slow := func(context.Context) (time.Time, error) {
			at := time.Now()
			<-time.After(2 * time.Second)
			return at, nil
		}
		for i := range 100 {
			begun := time.Now()
			readAt, err := m.get(t.Context(), "k", slow)
			if took := time.Since(begun); err != nil || took > 0 && i > 0 {
				t.Fatalf("the answer %d took %s: %v", i, took, err)
			}
			if age := time.Since(readAt); age >= servedTTL {
				t.Fatalf("the answer %d is %s old", i, age)
			}
			<-time.After(15 * time.Second)
		}
	})
}

// Who gives up takes the request from nobody, and all who ask at the same time share one.
func TestMemoryAsksOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory[string](8, time.Now)
		count := 0
		slow := func(ctx context.Context) (string, error) {
			count++
			select {
			case <-time.After(time.Second):
				return "late", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		hasty, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			if got, err := m.get(hasty, "k", slow); err == nil {
				t.Errorf("got %q in no time", got)
			}
		})
		synctest.Wait()
		for range 5 {
			all.Go(func() {
				if got, err := m.get(t.Context(), "k", slow); got != "late" || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
		all.Wait()
		if count != 1 {
			t.Errorf("read %d times", count)
		}
	})
}

func TestMemoryDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory[string](8, time.Now)
		begun := time.Now()
		_, err := m.get(t.Context(), "k", func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() })
		if err == nil || time.Since(begun) > lookupTimeout {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
	})
}
