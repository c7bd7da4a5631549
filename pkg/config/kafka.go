package config

import "github.com/spf13/pflag"

// Kafka is how the brokers are spoken to.
type Kafka struct {
	TLS  TLS
	SASL SASL
}

func addKafka(set *pflag.FlagSet, k *Kafka) {
	addTLS(set, &k.TLS)
	addSASL(set, &k.SASL)
}

func (k *Kafka) validate() []error { return append(k.TLS.validate(), k.SASL.validate()...) }

// Exposed says what of the settings lets others on the network see a secret, empty for nothing.
func (k *Kafka) Exposed() string {
	switch m := k.SASL.Mechanism; {
	case !k.TLS.Enabled && (m == Plain || m == OAuthBearer):
		return saslMechanism + "=" + m + " without " + tlsEnabled
	}
	return ""
}
