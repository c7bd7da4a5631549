package config

import (
	"fmt"

	"github.com/spf13/pflag"
)

// Kafka is how the brokers are spoken to.
type Kafka struct {
	TLS  TLS
	SASL SASL
}

func addKafka(set *pflag.FlagSet, k *Kafka) {
	addTLS(set, &k.TLS)
	addSASL(set, &k.SASL)
}

func (k *Kafka) validate() []error {
	errs := append(k.TLS.validate(), k.SASL.validate()...)
	if k.SASL.Mechanism == MSKIAM && !k.TLS.Enabled {
		errs = append(errs, fmt.Errorf("--%s: %s is offered by TLS only; set --%s too", saslMechanism, MSKIAM, tlsEnabled))
	}
	return errs
}

// Exposed says what of the settings lets others on the network see a secret, empty for nothing.
func (k *Kafka) Exposed() string {
	switch m := k.SASL.Mechanism; {
	case !k.TLS.Enabled && (m == Plain || m == OAuthBearer):
		return saslMechanism + "=" + m + " without " + tlsEnabled
	}
	return ""
}
