package kafka

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// request sends one request. Where that takes a login, it waits for others to this broker, and does not try one while authentication fails.
func (k *link) request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	if k.loggedIn() {
		return k.send(ctx, req)
	}
	hold := k.gate.hold
	if err := hold.mayLogIn(k.address); err != nil {
		return nil, err
	}
	leave, err := hold.enter(ctx, k.address)
	if err != nil {
		return nil, err
	}
	if k.loggedIn() {
		leave()
		return k.send(ctx, req)
	}
	if err := hold.mayLogIn(k.address); err != nil {
		leave()
		return nil, err
	}
	return k.loginFor(ctx, req, leave)
}

// loggedIn says whether a request can be sent without a login, as far as is known.
func (k *link) loggedIn() bool { return !k.dialer.authenticates() || k.dialer.connected() }

// loginFor waits for a login until the context ends. The login itself goes on: the broker may refuse it later than we wait, and by then
// a second one must not have begun. A failure is known to all before the next one may try.
func (k *link) loginFor(ctx context.Context, req kmsg.Request, leave func()) (kmsg.Response, error) {
	type outcome struct {
		resp kmsg.Response
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		defer leave()
		resp, err := k.login(k.ctx, req)
		if failed := readError(noBroker, req, err); failed != nil && authenticating(failed) {
			k.gate.hold.begin(failed)
		}
		done <- outcome{resp, err}
	}()
	select {
	case <-ctx.Done():
		return nil, k.explain(ctx.Err())
	case o := <-done:
		return o.resp, o.err
	}
}

// login sends a request that opens the connection. The door is the caller's.
func (k *link) login(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	k.dialer.unheard.Store(false)
	k.dialer.mayLogIn.Store(true)
	defer k.dialer.mayLogIn.Store(false)
	resp, err := k.send(ctx, req)
	switch failed := readError(noBroker, req, err); {
	case err == nil:
		k.dialer.prove()
	case authenticating(failed), errors.Is(err, errNoOutcome):
		k.gate.hold.shutDoor(k.address)
	}
	return resp, err
}

// OnBrokerE2E notes what comes of a login. Once the broker has answered it, no other connection is opened: requests that wait for theirs in the
// client would log in anew on it. Some brokers refuse an identity by ending the connection in the middle of it; others are late, and
// may refuse it yet.
func (k *link) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	answered, late := e2e.ReadErr == nil, e2e.ReadErr != nil && classify(e2e.ReadErr) == lag.ClassTimeout
	switch kmsg.Key(key) {
	case kmsg.SASLAuthenticate:
		if answered {
			k.dialer.mayLogIn.Store(false)
			return
		}
		k.cut.Store(!late)
		k.leaveUnheard(late)
	case kmsg.SASLHandshake:
		k.cut.Store(!answered && !late)
	case kmsg.ApiVersions: // by TLS 1.3, a client certificate is refused in place of the first answer
		k.leaveUnheard(late && k.dialer.certified() && k.dialer.mayLogIn.Load())
	}
}

// leaveUnheard gives up a login that was sent, and of which nothing was heard in time.
func (k *link) leaveUnheard(late bool) {
	if late {
		k.dialer.unheard.Store(true)
		k.dialer.mayLogIn.Store(false)
		k.gate.hold.shutDoor(k.address)
	}
}
