package kafka

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// lane holds the connections of one kind of collection.
type lane struct {
	cfg      Config
	timeout  time.Duration // of one collection
	hold     *authHold
	identity *identity

	commits commitRows // of the collection under way, or of the last one

	mu     sync.Mutex
	links  map[string]*link // by name
	turn   int              // which broker is asked first for what any can answer
	closed bool
	rotation
}

func newLane(cfg Config, timeout time.Duration, hold *authHold, who *identity) *lane {
	l := &lane{cfg: cfg, timeout: timeout, hold: hold, identity: who, links: make(map[string]*link)}
	l.uses, _ = cfg.Security.fingerprint()
	return l
}

// link is the way to one broker. It has a client of its own, with that broker as its only seed: so no request waits for another
// broker, none goes to a broker that we did not choose, and the client itself never looks for others.
type link struct {
	name    string // in its lane: the address, or apart of it
	address string
	client  *kgo.Client
	broker  *kgo.Broker
	dialer  *dialer
	timeout time.Duration
	gate    gate
	uses    [sha256.Size]byte // what it was made with, see rotation
	ctx     context.Context   //nolint:containedctx // the end of what goes on in the background
	cancel  context.CancelFunc

	cut      atomic.Bool // the broker broke off an authentication, and nobody was told yet
	mu       sync.Mutex
	versions map[int16]int16 // what the broker can do: the highest version by request key; nil if it has not said since it was away
}

// apart names a second link to a broker, for what the broker has to ask others for before it answers. A broker answers the requests
// of a connection one after the other, so it has one of its own; and that such an answer is late says nothing about this broker.
func apart(address string) string { return address + " apart" }

// link returns the link to the broker at the address, which it makes if there is none. It connects only when it is used.
func (l *lane) link(address string) (*link, error) { return l.linkBy(address, address) }

func (l *lane) linkBy(name, address string) (*link, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.links[name]; k != nil {
		return k, nil
	}
	if l.closed {
		return nil, kgo.ErrClientClosed
	}
	k, err := l.newLink(name, address, l.uses)
	if err == nil {
		l.links[name] = k
	}
	return k, err
}

// newLink makes a link to the broker at the address.
func (l *lane) newLink(name, address string, uses [sha256.Size]byte) (*link, error) {
	k := &link{name: name, address: address, uses: uses, timeout: l.timeout, dialer: newDialer(l.cfg, l.identity, dialTimeout(l.timeout))}
	client, err := kgo.NewClient(slices.Concat(clientOptions(address, l.timeout), k.dialer.options(), []kgo.Opt{kgo.WithHooks(k)}, l.cfg.Options)...)
	if err != nil {
		return nil, err
	}
	k.client, k.broker = client, client.SeedBrokers()[0]
	k.ctx, k.cancel = context.WithCancel(context.Background())
	k.gate.try, k.gate.hold = k.probe, l.hold
	return k, nil
}

// keep closes the links to all but these addresses and the seeds.
func (l *lane) keep(addresses []string) {
	l.mu.Lock()
	gone := maps.Clone(l.links)
	for _, address := range append(addresses, l.cfg.Brokers...) {
		delete(gone, address)
		delete(gone, apart(address))
	}
	for name := range gone {
		delete(l.links, name)
	}
	l.mu.Unlock()
	for _, k := range gone {
		k.close()
	}
}

// renew closes connections that are old, and replaces links after a rotation. No collection may be under way.
func (l *lane) renew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rotate(time.Now())
	for _, k := range l.links {
		k.dialer.renew(time.Now())
	}
}

func (l *lane) close() {
	l.mu.Lock()
	l.closed = true
	l.endRotation()
	links := slices.Collect(maps.Values(l.links))
	l.mu.Unlock()
	for _, k := range links {
		k.close()
	}
}

func (k *link) close() {
	k.cancel()
	k.client.Close()
	k.gate.wait()
}

// maxAnswer bounds an answer, in bytes. The largest that a healthy cluster gives are the commits of all groups of one broker:
// 30 bytes for each partition.
const maxAnswer = 128 << 20

func clientOptions(address string, timeout time.Duration) []kgo.Opt {
	// Up to v9, OffsetFetch names topics; v10 gives only their ids, and drops commits of topics that no longer exist.
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.OffsetFetch), 9)
	return []kgo.Opt{
		kgo.ClientID(clientID),
		kgo.SeedBrokers(address),
		kgo.MaxVersions(versions),
		// A context alone does not end a read from a hung broker; this does, and it frees the connection.
		kgo.RequestTimeoutOverhead(max(timeout, minBackoff)),
		kgo.BrokerMaxReadBytes(maxAnswer),
		kgo.ConnIdleTimeout(maxIdle),
		kgo.DisableClientMetrics(), // KIP-714 pushes would be traffic that nobody asked for
		// The client's own look at the cluster serves nothing here, but cannot be turned off.
		kgo.MetadataMaxAge(time.Hour), kgo.MetadataMinAge(time.Hour),
	}
}

const clientID = "kafka-lag-adapter"

// maxIdle is below what brokers allow by default, 10 min, and above the poll intervals in use.
const maxIdle = 4 * time.Minute

// ask sends one request. A connection that turns out to be closed is tried anew once: brokers close idle connections.
func (k *link) ask(ctx context.Context, node int32, req kmsg.Request) (kmsg.Response, error) {
	if err := k.gate.pass(k.ctx); err != nil {
		return nil, fmt.Errorf("not asked, as the broker is being looked for: %w", err)
	}
	resp, err := k.request(ctx, req)
	if err != nil && ctx.Err() == nil && brokenOff(err) {
		resp, err = k.request(ctx, req)
	}
	if err == nil {
		k.gate.opened()
		return resp, nil
	}
	err = readError(node, req, err)
	k.gate.failed(k.ctx, err)
	return nil, err
}

func (k *link) send(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	resp, err := k.broker.Request(ctx, req)
	if err != nil && k.cut.Swap(false) && brokenOff(err) {
		err = fmt.Errorf("%w: %w", errRefused, err)
	}
	if err != nil && k.dialer.unheard.Load() {
		err = errNoOutcome
	}
	if err != nil {
		err = k.explain(err)
	}
	return resp, err
}

// probe asks the broker for a sign of life. If authentication fails, it is the one attempt that may be made now, where it is the
// caller's turn; and none is made where it is not. The connection on which there was no answer ends in the middle of this, which says
// nothing: the broker is asked again on a new one.
func (k *link) probe(ctx context.Context, turn bool) error {
	err := k.probeOnce(ctx, turn)
	if err != nil && ctx.Err() == nil && brokenOff(err) {
		err = k.probeOnce(ctx, turn)
	}
	return err
}

func (k *link) probeOnce(ctx context.Context, turn bool) error {
	if !k.dialer.authenticates() {
		ctx, cancel := context.WithTimeout(ctx, max(k.timeout, minBackoff))
		defer cancel()
		return k.askVersions(ctx, noBroker, k.send)
	}
	leave, err := k.gate.hold.enter(ctx, k.address)
	if err != nil {
		return readError(noBroker, (*kmsg.ApiVersionsRequest)(nil), err)
	}
	defer leave()
	failing := k.gate.hold.reason()
	if failing != nil && !turn {
		return failing
	}
	err = k.askVersions(ctx, noBroker, k.login) // waits for what comes of it: the client bounds each of its steps
	if failing != nil && errors.Is(err, errNoOutcome) {
		return failing // most likely, this one failed, too
	}
	return err
}

// ask sends one request to the broker of this id.
func ask[T kmsg.Response](ctx context.Context, c *collection, node int32, req kmsg.Request) (T, error) {
	var none T
	b := c.broker(node)
	if b == nil {
		return none, &lag.ReadError{Class: lag.ClassLeadership, Broker: node, Op: kmsg.NameForKey(req.Key()), Err: errUnknownBroker}
	}
	k, err := c.lane.link(b.address)
	if err != nil {
		return none, readError(node, req, err)
	}
	resp, err := k.ask(ctx, node, req)
	if err != nil {
		b.note(err)
		return none, err
	}
	return resp.(T), nil
}

// askApart is ask for what the broker has to ask others for: that it does not answer counts against nothing else.
func askApart[T kmsg.Response](ctx context.Context, c *collection, node int32, req kmsg.Request) (T, error) {
	var none T
	b := c.broker(node)
	if b == nil {
		return none, &lag.ReadError{Class: lag.ClassLeadership, Broker: node, Op: kmsg.NameForKey(req.Key()), Err: errUnknownBroker}
	}
	k, err := c.lane.linkBy(apart(b.address), b.address)
	if err != nil {
		return none, readError(node, req, err)
	}
	resp, err := k.ask(ctx, node, req)
	if err != nil {
		return none, err
	}
	return resp.(T), nil
}
