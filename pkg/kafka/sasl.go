package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// SASL says how to authenticate.
type SASL struct {
	Mechanism string // as Kafka names it: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, AWS_MSK_IAM or GSSAPI
	Username  string // of PLAIN and SCRAM
	Password  Secret
	OAuth     OAuth
	Kerberos  Kerberos
}

// Secret is asked for each time that it is needed, as it may have been rotated.
type Secret interface {
	Read() (string, error)
	// String says where the secret is, not what it is.
	String() string
}

// identity is who we are to the brokers: a mechanism, and what to look at where it is refused.
type identity struct {
	sasl.Mechanism
	// where tells what the identity is made from.
	where string
	// busy returns what an authentication waits for that is not the broker, nil if for nothing. Nil is never.
	busy func() error
	// forget drops what is kept between connections and that a broker refused. Nil for nothing.
	forget func()
	// close ends what goes on in the background. Nil for nothing.
	close func()
}

// identity returns the identity to use with all brokers, nil for none.
func (s *SASL) identity() (*identity, error) {
	if s == nil {
		return nil, nil
	}
	switch s.Mechanism {
	case "PLAIN":
		return s.withPassword(plain.Plain(func(context.Context) (plain.Auth, error) {
			password, err := read(s.Password)
			return plain.Auth{User: s.Username, Pass: password}, err
		})), nil
	case "SCRAM-SHA-256":
		return s.withPassword(scram.Sha256(s.scram)), nil
	case "SCRAM-SHA-512":
		return s.withPassword(scram.Sha512(s.scram)), nil
	case "OAUTHBEARER":
		return s.OAuth.identity()
	case "AWS_MSK_IAM":
		return awsIdentity()
	case "GSSAPI":
		return s.Kerberos.identity()
	}
	return nil, fmt.Errorf("kafka.sasl.mechanism: %q is not known; allowed are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, AWS_MSK_IAM and GSSAPI", s.Mechanism)
}

func (s *SASL) scram(context.Context) (scram.Auth, error) {
	password, err := read(s.Password)
	return scram.Auth{User: s.Username, Pass: password}, err
}

func (s *SASL) withPassword(m sasl.Mechanism) *identity {
	return &identity{Mechanism: m, where: fmt.Sprintf("user %q, the password in %v, and that this user may use %s", s.Username, s.Password, s.Mechanism)}
}

// read reads a secret. If that fails nobody was asked, so that no account can be locked.
func read(secret Secret) (string, error) {
	text, err := secret.Read()
	if err != nil {
		return "", hinted(lag.ClassConnection, err, "our secret cannot be read; have its file written again")
	}
	return text, nil
}

// explain says what to do where the broker refuses the identity, nil if that is not what the error says. m is nil if there is no identity.
func (m *identity) explain(err error) error {
	if m == nil {
		if errors.Is(err, kerr.IllegalSaslState) {
			return hinted(lag.ClassAuthentication, err, "the broker wants SASL at this port; set kafka.sasl.mechanism")
		}
		return nil
	}
	switch {
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return hinted(lag.ClassAuthentication, err, "the broker does not offer %s at this port; set kafka.sasl.mechanism to one that it does (its sasl.enabled.mechanisms), "+
			"or name the port of another listener in the setting brokers", m.Name())
	case errors.Is(err, kerr.IllegalSaslState):
		return hinted(lag.ClassAuthentication, err, "the broker wants no SASL at this port; leave kafka.sasl out, or name the port of its SASL listener in the setting brokers")
	case errors.Is(err, kerr.SaslAuthenticationFailed), errors.Is(err, errRefused), errors.Is(err, errTokenRefused):
		if m.forget != nil {
			m.forget()
		}
		return hinted(lag.ClassAuthentication, err, "the broker refused our identity; check %s", m.where)
	case errors.Is(err, context.DeadlineExceeded) && m.busy != nil:
		return m.busy()
	}
	return nil
}
