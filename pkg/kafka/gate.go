package kafka

import (
	"context"
	"sync"
	"time"
)

// How long a broker that failed is left alone before it is tried again, jittered.
const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 2 * time.Second
)

// gate keeps requests away from a broker that does not answer. It closes when the broker fails as a whole; from then on requests
// fail at once with the reason, while one attempt after the other is made in the background to reach the broker. So a hung
// broker holds the others up once, and not each time.
type gate struct {
	// try asks the broker for a sign of life, within bounded time. It says whether a turn was taken to authenticate, see authHold.
	try  func(ctx context.Context, turn bool) error
	hold *authHold

	mu     sync.Mutex
	reason error // why the gate is closed; nil if it is open
	proven bool  // the broker has answered since the gate was made or last closed
	looks  sync.WaitGroup
}

// pass returns why the broker must not be asked now, nil if it may be. A broker that was never asked has to take its turn if
// authentication fails elsewhere: it would most likely fail here, too. The search for a broker ends with ctx.
func (g *gate) pass(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reason == nil && !g.proven {
		if err := g.hold.reason(); err != nil {
			g.shut(ctx, err)
		}
	}
	return g.reason
}

// isShut says whether the broker is being looked for.
func (g *gate) isShut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reason != nil
}

// opened notes that the broker answered.
func (g *gate) opened() {
	g.mu.Lock()
	known := g.proven
	g.proven, g.reason = true, nil
	g.mu.Unlock()
	if !known {
		g.hold.release()
	}
}

// failed closes the gate if the error speaks against the broker as a whole.
func (g *gate) failed(ctx context.Context, err error) {
	if !unreachable(err) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reason != nil {
		return
	}
	if authenticating(err) {
		g.hold.begin(err)
	}
	g.shut(ctx, err)
}

// shut closes the gate and begins to look for the broker. g.mu is held.
func (g *gate) shut(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	g.reason, g.proven = err, false
	g.looks.Go(func() { g.look(ctx, err) })
}

// look tries to reach the broker until it answers.
func (g *gate) look(ctx context.Context, reason error) {
	for wait := minBackoff; ; wait = min(2*wait, maxBackoff) {
		var ended error
		turn := authenticating(reason)
		if turn {
			ended = g.hold.turn(ctx)
		} else {
			ended = sleep(ctx, jittered(wait/2, wait))
		}
		if ended != nil {
			return
		}
		reason = g.try(ctx, turn)
		switch {
		case reason == nil:
			g.opened()
			return
		case authenticating(reason) && turn:
			g.hold.prolong(reason)
		case authenticating(reason):
			g.hold.begin(reason)
		}
		g.mu.Lock()
		g.reason = reason
		g.mu.Unlock()
	}
}

// wait returns when nothing looks for the broker any more. The context of the search must have ended.
func (g *gate) wait() {
	g.isShut() // comes after a search that is just about to begin; none begins after the end of its context
	g.looks.Wait()
}
