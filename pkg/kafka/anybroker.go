package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// hedgeShare is how long, as a part of a collection's timeout, one broker may take for a request that any broker can answer
// before another one is asked too.
const hedgeShare = 0.08

// askAny sends a request that any broker can answer. If one is slow, further ones are asked, and the first answer wins: a
// hung broker must not keep the others' groups from being read, and neither must one whose answer read cannot make sense of. request
// is called anew for each broker, as the client writes the version that it chooses into the request.
func askAny[T any](ctx context.Context, c *collection, request func() kmsg.Request, read func(kmsg.Response) (T, error)) (T, error) {
	var none T
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		read T
		err  error
	}
	candidates := c.candidates()
	answers := make(chan answer, len(candidates))
	hedge := time.NewTimer(0)
	defer hedge.Stop()
	var errs []error
	for asked := 0; len(errs) < len(candidates); {
		select {
		case <-hedge.C:
			if asked == len(candidates) {
				continue
			}
			address := candidates[asked]
			asked++
			hedge.Reset(time.Duration(hedgeShare * float64(c.lane.timeout)))
			go func() {
				a := answer{}
				resp, err := c.askAt(ctx, address, request())
				if a.err = err; err == nil {
					a.read, a.err = read(resp)
				}
				answers <- a
			}()
		case a := <-answers:
			if a.err == nil {
				return a.read, nil
			}
			errs = append(errs, a.err)
			hedge.Reset(0)
		}
	}
	return none, mostTelling(errs)
}

func (c *collection) askAt(ctx context.Context, address string, req kmsg.Request) (kmsg.Response, error) {
	k, err := c.lane.link(address)
	if err != nil {
		return nil, readError(noBroker, req, err)
	}
	return k.ask(ctx, noBroker, req)
}

// candidates returns the addresses to ask, in order: the brokers that are known, of which each has its turn to be the first, and
// the seeds; what is being looked for comes last, only to say why it cannot be asked.
func (c *collection) candidates() []string {
	var addresses []string
	for _, b := range c.brokers {
		addresses = append(addresses, b.address)
	}
	if len(addresses) == 0 {
		for _, b := range c.prev.Brokers {
			addresses = append(addresses, b.Address)
		}
	}
	return c.lane.order(addresses)
}

// order returns the addresses and the seeds, each once, in the order in which they should be asked.
func (l *lane) order(addresses []string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn++
	var open, shut []string
	seen := make(map[string]bool)
	add := func(list []string) {
		for i := range list {
			address := list[(i+l.turn)%len(list)]
			if seen[address] {
				continue
			}
			seen[address] = true
			if k := l.links[address]; k != nil && k.gate.isShut() {
				shut = append(shut, address)
			} else {
				open = append(open, address)
			}
		}
	}
	add(addresses)
	add(l.cfg.Brokers)
	return append(open, shut...)
}

// mostTelling prefers an error with a cause, such as a refused connection, over one that only says that time ran out.
func mostTelling(errs []error) error {
	for _, err := range errs {
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return errs[0]
}
