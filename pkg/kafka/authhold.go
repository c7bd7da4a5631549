package kafka

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// How long no authentication is attempted after one failed, jittered: accounts get locked after too many.
const (
	minAuthBackoff = 5 * time.Second
	maxAuthBackoff = time.Minute
)

// authHold spaces out the attempts to authenticate, over all brokers of a cluster, while authentication fails. Connections that
// stand are not concerned.
type authHold struct {
	mu       sync.Mutex
	err      error // the latest failure; nil if authentication works
	failedAt time.Time
	triedAt  time.Time // when the latest turn was taken
	next     time.Time // when the next attempt may be made
	backoff  time.Duration
	released chan struct{} // closed when authentication works again, or may be tried sooner

	doors map[string]*loginDoor // by address, for all lanes

	// rotating says that a lane makes new links after a rotation, and nextRotation when one may after a broker refused some.
	rotating     bool
	nextRotation time.Time
	refusal      error // of the latest links that were made after a rotation; nil if there was none
}

// reason returns the latest failure, nil if authentication works.
func (h *authHold) reason() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// begin notes a failure without a turn. Several brokers that fail at the same time count as one.
func (h *authHold) begin(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		h.extend(err)
	}
}

// prolong notes that a turn ended with a failure.
func (h *authHold) prolong(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.extend(err)
}

// extend doubles the time until the next attempt. h.mu is held.
func (h *authHold) extend(err error) {
	if h.err == nil {
		h.released = make(chan struct{})
	}
	h.err, h.failedAt = err, time.Now()
	h.backoff = min(max(2*h.backoff, minAuthBackoff), maxAuthBackoff)
	h.next = h.failedAt.Add(jittered(h.backoff, h.backoff+h.backoff/5))
}

// release ends the hold, as authentication has worked.
func (h *authHold) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		h.err, h.backoff = nil, 0
		close(h.released)
	}
}

// hasten lets the next attempt come as soon as one may: what we authenticate by has changed, so that what failed before says little.
func (h *authHold) hasten() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		return
	}
	h.backoff = 0
	soon := h.failedAt.Add(minAuthBackoff)
	if tried := h.triedAt.Add(minAuthBackoff); tried.After(soon) {
		soon = tried
	}
	if soon.Before(h.next) {
		h.next = soon
		close(h.released)
		h.released = make(chan struct{})
	}
}

// turn waits until the caller may attempt to authenticate: alone while authentication fails, and with all that wait once it
// works again, but never sooner after a failure than minAuthBackoff.
func (h *authHold) turn(ctx context.Context) error {
	for {
		left, released := h.left()
		if left <= 0 {
			return nil
		}
		timer := time.NewTimer(left)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-released:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// left returns how long the caller has to wait, at most until released is closed. If it need not, it has taken its turn.
func (h *authHold) left() (left time.Duration, released <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		return time.Until(h.failedAt.Add(minAuthBackoff)), nil
	}
	if left = time.Until(h.next); left <= 0 {
		h.triedAt = time.Now()
		h.next = h.triedAt.Add(minAuthBackoff)
	}
	return left, h.released
}

// jittered returns a random duration in [low, high].
func jittered(low, high time.Duration) time.Duration { return low + rand.N(high-low+1) }

// sleep waits, at most until the context ends, and returns its error then.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
