package kafka

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Security says how connections to the brokers are secured. The zero value is plain text, and no authentication.
type Security struct {
	TLS *TLS // nil for plain text
}

// check finds what is wrong with the files as they are now.
func (s Security) check() error {
	if s.TLS == nil {
		return nil
	}
	_, err := s.TLS.config("")
	return err
}

// dialTimeout is the part of a collection that connecting to a broker may take.
func dialTimeout(timeout time.Duration) time.Duration { return max(timeout/2, minBackoff) }

func (s Security) options(d *dialer) []kgo.Opt {
	return []kgo.Opt{kgo.Dialer(d.dial)}
}
