package kube

import (
	"context"
	"errors"
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
	now := time.Unix(0, 0)
	m := newMemory[string](8, func() time.Time { return now })
	api := &reads{value: "first"}
	ask := func(want, wantErr string, reads int) {
		t.Helper()
		got, err := m.get(t.Context(), "k", api.read)
		if err == nil && wantErr != "" || err != nil && err.Error() != wantErr || got != want || api.count != reads {
			t.Errorf("got %q, %v after %d reads, want %q, %s after %d", got, err, api.count, want, wantErr, reads)
		}
	}
	ask("first", "", 1)
	api.value = "second"
	now = now.Add(foundTTL - 1)
	ask("first", "", 1)
	now = now.Add(1)
	ask("second", "", 2)

	api.value, api.err = "", errors.New("away")
	lost := now
	now = now.Add(foundTTL)
	ask("second", "", 3)
	ask("second", "", 3) // it is not asked again at once
	now = now.Add(absentTTL)
	ask("second", "", 4)
	now = lost.Add(staleTTL)
	ask("second", "", 5)
	now = now.Add(absentTTL)
	ask("", "away", 6)
	ask("", "away", 7)

	api.err = notFound("gone")
	ask("", "gone", 8)
	ask("", "gone", 8)
	now = now.Add(absentTTL)
	api.value, api.err = "third", nil
	ask("third", "", 9)
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
