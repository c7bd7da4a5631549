package kafka

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Security says how connections to the brokers are secured. The zero value is plain text, and no authentication.
type Security struct {
	TLS  *TLS  // nil for plain text
	SASL *SASL // nil for no authentication
}

// identity returns who we are to the brokers, nil for nobody. It also finds what is wrong with the files as they are now.
func (s Security) identity() (*identity, error) {
	if s.TLS != nil {
		if _, err := s.TLS.config(""); err != nil {
			return nil, err
		}
	}
	return s.SASL.identity()
}

// dialTimeout is the part of a collection that connecting to a broker may take.
func dialTimeout(timeout time.Duration) time.Duration { return max(timeout/2, minBackoff) }

func (d *dialer) options() []kgo.Opt {
	opts := []kgo.Opt{kgo.Dialer(d.dial)}
	if d.identity != nil {
		opts = append(opts, kgo.SASL(d.identity))
	}
	return opts
}
