package deploy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/canary"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
)

// The listeners of the brokers that do not let everybody in.
const (
	byPassword    = "PASSWORD"
	byCertificate = "CERTIFICATE"
	user          = "lag"
)

// Secured is what lets one in there.
type Secured struct {
	CA       string // path
	Password string
	Wrong    string // a password that does not
	Cert     string // path of a client certificate
	Key      string
}

// secureListeners returns them, with what lets one in, of which the files are in dir.
func secureListeners(dir string) (Secured, []kafka.Listener, error) {
	s := Secured{
		CA: filepath.Join(dir, "kafka-ca.crt"), Password: canary.Text(), Wrong: canary.Text(),
		Cert: filepath.Join(dir, "kafka-client.crt"), Key: filepath.Join(dir, "kafka-client.key"),
	}
	if err := canary.Note(dir, canary.Password, s.Password, s.Wrong); err != nil {
		return s, nil, err
	}
	ca, err := pki.NewCA("the brokers' CA")
	if err != nil {
		return s, nil, err
	}
	client, err := ca.Client(user)
	if err != nil {
		return s, nil, err
	}
	server, err := ca.Server("127.0.0.1", "localhost")
	if err != nil {
		return s, nil, err
	}
	key, err := server.PKCS8()
	if err != nil {
		return s, nil, err
	}
	tls := func(more map[string]string) map[string]string {
		more["ssl.keystore.type"], more["ssl.keystore.certificate.chain"], more["ssl.keystore.key"] = "PEM", string(server.Cert), key
		more["ssl.truststore.type"], more["ssl.truststore.certificates"] = "PEM", string(ca.Cert)
		return more
	}
	jaas := fmt.Sprintf(`org.apache.kafka.common.security.plain.PlainLoginModule required user_%s="%s";`, user, s.Password)
	return s, []kafka.Listener{
			{Name: byPassword, Protocol: "SASL_SSL", Properties: tls(map[string]string{"sasl.enabled.mechanisms": "PLAIN", "plain.sasl.jaas.config": jaas})},
			{Name: byCertificate, Protocol: "SSL", Properties: tls(map[string]string{"ssl.client.auth": "required"})},
		}, errors.Join(
			os.WriteFile(s.CA, ca.Cert, 0o600), os.WriteFile(s.Cert, client.Cert, 0o600), os.WriteFile(s.Key, client.Key, 0o600),
		)
}
