// Package conntrack stands in for github.com/mwitkow/go-conntrack, which counts and traces the connections of a client. It is needed to
// build Prometheus' exporter-toolkit, whose configuration format refers to that of Prometheus' client, and nothing calls it.
//
// The original links golang.org/x/net/trace and so html/template, which looks up methods by name: the linker must then keep all exported
// methods of the whole program, 4 MB in a lag-exporter of 17. Also it puts handlers on the default mux.
package conntrack

import (
	"context"
	"net"
)

// DialContextFunc is net.Dialer's DialContext.
type DialContextFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// Option is an option of NewDialContextFunc.
type Option func(dial *DialContextFunc)

// DialWithTracing does nothing.
func DialWithTracing() Option { return func(*DialContextFunc) {} }

// DialWithName does nothing.
func DialWithName(string) Option { return func(*DialContextFunc) {} }

// DialWithDialContextFunc dials by that function.
func DialWithDialContextFunc(f DialContextFunc) Option {
	return func(dial *DialContextFunc) { *dial = f }
}

// NewDialContextFunc returns a function that only dials.
func NewDialContextFunc(options ...Option) DialContextFunc {
	dial := (&net.Dialer{}).DialContext
	for _, option := range options {
		option(&dial)
	}
	return dial
}
