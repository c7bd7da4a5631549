package app

import (
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
)

// security returns how to connect to the brokers.
func security(cfg config.Kafka) kafka.Security {
	var s kafka.Security
	if t := cfg.TLS; t.Enabled {
		s.TLS = &kafka.TLS{CAFile: t.CAFile, CertFile: t.CertFile, KeyFile: t.KeyFile, ServerName: t.ServerName}
	}
	if a := cfg.SASL; a.Mechanism != "" {
		o := a.OAuth
		s.SASL = &kafka.SASL{Mechanism: a.Mechanism, Username: a.Username, Password: a.Password, OAuth: kafka.OAuth{
			TokenURL: o.TokenURL, ClientID: o.ClientID, ClientSecret: o.ClientSecret, Scopes: o.Scopes, CAFile: o.CAFile, Extensions: o.Extensions,
		}}
		s.SASL.Kerberos = kafka.Kerberos(a.Kerberos)
		if o.TokenURL == "" {
			s.SASL.OAuth.Token = o.Token
		}
	}
	return s
}
