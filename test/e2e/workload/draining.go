package workload

import (
	"context"
	"errors"
	"sync"
)

// Holding is a member of a group that reads nothing until Drain.
type Holding struct {
	consumer *Consumer
	ctx      context.Context //nolint:containedctx // ends with the member, not with a call
	cancel   context.CancelFunc
	reading  sync.WaitGroup
	err      error // of reading; looked at once it is over
}

// Hold makes a member one that holds.
func Hold(c *Consumer) *Holding {
	ctx, cancel := context.WithCancel(context.Background())
	return &Holding{consumer: c, ctx: ctx, cancel: cancel}
}

// Drain lets the member read and commit all that there is, from now on.
func (h *Holding) Drain() error {
	h.reading.Go(func() {
		for h.err == nil {
			h.err = h.consumer.Consume(h.ctx, 1)
		}
	})
	return nil
}

// Close leaves the group.
func (h *Holding) Close() error {
	h.cancel()
	h.reading.Wait()
	h.consumer.Close()
	if errors.Is(h.err, context.Canceled) {
		return nil
	}
	return h.err
}
