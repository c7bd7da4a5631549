// Package await waits on conditions, so that no test sleeps for a guessed time.
package await

import (
	"context"
	"fmt"
	"time"
)

// interval is how often a condition is looked at: short against everything
// that is waited for here, long against the cost of one look.
const interval = 100 * time.Millisecond

// Until calls probe until it returns nil. It gives up when ctx ends, and then
// says what was waited for and what the last look found missing.
func Until(ctx context.Context, what string, probe func(context.Context) error) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var last error
	for {
		err := probe(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err // a look cut short by the deadline tells nothing new
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; last seen: %w", what, context.Cause(ctx), last)
		case <-tick.C:
		}
	}
}
