package config

// Kafka is how the brokers are spoken to.
type Kafka struct {
	TLS TLS
}
