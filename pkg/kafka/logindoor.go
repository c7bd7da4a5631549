package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// loginDoor lets one log in at a broker at a time, so that a failure is known before the next attempt.
type loginDoor struct {
	occupied chan struct{} // holds who is inside
	opens    time.Time     // not before then; authHold.mu is held
}

// errNoOutcome says that a login was sent, and that the broker has not said in time what came of it. It may refuse it yet.
var errNoOutcome error = &connectError{lag.ClassTimeout, "the broker has not said what came of our login", os.ErrDeadlineExceeded}

// errNoLogin says that a connection was cut, and that the request has to log in before the next one is made.
var errNoLogin = errors.New("the connection to the broker was cut")

// door returns the door of the broker at the address.
func (h *authHold) door(address string) *loginDoor {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.doors == nil {
		h.doors = make(map[string]*loginDoor)
	}
	if h.doors[address] == nil {
		h.doors[address] = &loginDoor{occupied: make(chan struct{}, 1)}
	}
	return h.doors[address]
}

// enter waits until nobody else logs in at the address, and until a login may be made there. The caller has to leave.
func (h *authHold) enter(ctx context.Context, address string) (leave func(), err error) {
	door := h.door(address)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case door.occupied <- struct{}{}:
	}
	leave = func() { <-door.occupied }
	if err := sleep(ctx, h.untilOpen(address)); err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

// shutDoor keeps logins from a broker that has refused the latest, or has not said what came of it: it may count as a failed one there.
func (h *authHold) shutDoor(address string) {
	door := h.door(address)
	h.mu.Lock()
	defer h.mu.Unlock()
	door.opens = time.Now().Add(minAuthBackoff)
}

// untilOpen returns how long no login may be made at the address.
func (h *authHold) untilOpen(address string) time.Duration {
	door := h.door(address)
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Until(door.opens)
}

// mayLogIn returns why no login may be made at the address now, nil if one may.
func (h *authHold) mayLogIn(address string) error {
	if err := h.reason(); err != nil {
		return fmt.Errorf("not asked, as there is no connection and authentication fails: %w", err)
	}
	if left := h.untilOpen(address); left > 0 {
		return fmt.Errorf("not asked, as there is no connection, and the next login is due in %s: %w", left.Round(time.Millisecond), errNoOutcome)
	}
	return nil
}
