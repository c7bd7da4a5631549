package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// maxConnAge is how long a connection is used that was authenticated in some way, jittered: so long may what it was
// authenticated by still count after it was rotated.
const maxConnAge = 10 * time.Minute

// dialer opens the connections of one link.
type dialer struct {
	connect  func(ctx context.Context, network, address string) (net.Conn, error)
	tls      *TLS      // nil for plain text
	identity *identity // nil for none
	timeout  time.Duration
	// unshaken says that the latest TLS handshake began and has not succeeded.
	unshaken atomic.Bool
	// mayLogIn says that a login is under way, see link.login. The client would also begin one by itself, wherever it needs a connection.
	mayLogIn atomic.Bool
	// unheard says that the broker has not said in time what came of the latest login.
	unheard atomic.Bool

	mu    sync.Mutex
	conns map[*conn]struct{} // those that are open
}

func newDialer(cfg Config, who *identity, timeout time.Duration) *dialer {
	d := &dialer{connect: cfg.connect, tls: cfg.Security.TLS, identity: who, timeout: timeout, conns: make(map[*conn]struct{})}
	if d.connect == nil {
		d.connect = (&net.Dialer{}).DialContext
	}
	return d
}

// conn is a connection that the dialer knows of until it is closed.
type conn struct {
	net.Conn
	dialer *dialer
	until  time.Time
	proven bool // a request was answered on it, so that nothing is left to be authenticated; dialer.mu is held
}

// Close closes the connection.
func (c *conn) Close() error {
	c.dialer.mu.Lock()
	delete(c.dialer.conns, c)
	c.dialer.mu.Unlock()
	return c.Conn.Close()
}

// authenticates says whether a connection shows who we are.
func (d *dialer) authenticates() bool { return d.identity != nil || d.certified() }

// certified says whether a connection shows a certificate of ours.
func (d *dialer) certified() bool { return d.tls != nil && d.tls.CertFile != "" }

// connected says whether a connection stands that is authenticated, as far as is known.
func (d *dialer) connected() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		if c.proven {
			return true
		}
	}
	return false
}

// prove notes that a request was answered on the connection that stands.
func (d *dialer) prove() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		c.proven = true
	}
}

// disprove notes that the client has no use for the connections that stand. It closes those that were idle for long in the background.
func (d *dialer) disprove() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		c.proven = false
	}
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if d.authenticates() && !d.mayLogIn.Load() {
		d.disprove()
		return nil, errNoLogin
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	raw, err := d.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	secured, err := d.secure(ctx, raw, address)
	if err != nil {
		_ = raw.Close() // the error is why
		return nil, err
	}
	c := &conn{Conn: secured, dialer: d, until: time.Now().Add(jittered(maxConnAge*4/5, maxConnAge))}
	d.mu.Lock()
	d.conns[c] = struct{}{}
	d.mu.Unlock()
	return c, nil
}

func (d *dialer) secure(ctx context.Context, raw net.Conn, address string) (net.Conn, error) {
	if d.tls == nil {
		return raw, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	cfg, err := d.tls.config(host)
	if err != nil {
		return nil, err
	}
	secured := tls.Client(raw, cfg)
	d.unshaken.Store(true)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, d.tls.explainHandshake(err, cfg)
	}
	d.unshaken.Store(false)
	return secured, nil
}

// renew closes the connections that are old. No request may be under way on them. The next request finds its connection closed,
// as if the broker had closed it for being idle, and opens a new one.
func (d *dialer) renew(now time.Time) {
	var old []*conn
	d.mu.Lock()
	for c := range d.conns {
		if now.After(c.until) {
			old = append(old, c)
		}
	}
	d.mu.Unlock()
	for _, c := range old {
		_ = c.Close() // nothing is left to be written
	}
}

// connectError says why a connection came to nothing, and what to change.
type connectError struct {
	class lag.Class
	hint  string
	err   error
}

func (e *connectError) Error() string { return fmt.Sprintf("%s (%v)", e.hint, e.err) }
func (e *connectError) Unwrap() error { return e.err }

func hinted(class lag.Class, err error, format string, args ...any) error {
	return &connectError{class, fmt.Sprintf(format, args...), err}
}
