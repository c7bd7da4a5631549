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
	return s
}
