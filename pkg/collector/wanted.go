package collector

import (
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// wantedFor is for how long a group stays wanted after it was asked for. An HPA asks every 15 s; one that has not asked for
	// 10 minutes is gone.
	wantedFor = 10 * time.Minute
	// maxWanted is how many groups can be wanted at a time. Beyond it, the ones asked for longest ago are polled with all others:
	// who may ask must not be able to make the quick lane as heavy as the other one.
	maxWanted = 1000
)

// Wanted knows the groups that readers asked for lately. It may be used from any goroutine.
type Wanted struct {
	mu    sync.Mutex
	asked map[string]time.Time // when each was last asked for
	// wakes have a token when a group was asked for that was not wanted before. Each lane that reads wanted groups has one.
	wakes map[chan struct{}]struct{}
}

// NewWanted returns a Wanted without any group.
func NewWanted() *Wanted {
	return &Wanted{asked: map[string]time.Time{}, wakes: map[chan struct{}]struct{}{}}
}

// subscribe returns a channel that has a token when there are groups to read at once, until it is unsubscribed.
func (w *Wanted) subscribe() (wake <-chan struct{}, unsubscribe func()) {
	added := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wakes[added] = struct{}{}
	return added, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.wakes, added)
	}
}

// Ask notes that the groups, which exist, were asked for now.
func (w *Wanted) Ask(groups []string) {
	now := time.Now()
	added := false
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range groups {
		at, known := w.asked[name]
		added = added || !known || now.Sub(at) > wantedFor
		w.asked[name] = now
	}
	if len(w.asked) > 2*maxWanted { // not at each one beyond the limit, as it costs a sort
		w.forget(now)
	}
	if !added {
		return
	}
	for wake := range w.wakes {
		select {
		case wake <- struct{}{}:
		default: // there is a token already
		}
	}
}

// Groups returns the names of the wanted groups, in order.
func (w *Wanted) Groups() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget(time.Now())
	return slices.Sorted(maps.Keys(w.asked))
}

// forget drops what is no longer wanted.
func (w *Wanted) forget(now time.Time) {
	maps.DeleteFunc(w.asked, func(_ string, at time.Time) bool { return now.Sub(at) > wantedFor })
	if len(w.asked) <= maxWanted {
		return
	}
	latest := slices.SortedFunc(maps.Keys(w.asked), func(a, b string) int { return w.asked[b].Compare(w.asked[a]) })
	for _, name := range latest[maxWanted:] {
		delete(w.asked, name)
	}
}
