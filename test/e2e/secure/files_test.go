package secure

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
)

// writeFiles writes what the configurations name, see config.
func (s *stack) writeFiles() error {
	stranger, err := pki.NewCA("a CA that nobody trusts")
	if err != nil {
		return err
	}
	ours, err := s.ca.Client("lag-mtls")
	if err != nil {
		return err
	}
	theirs, err := stranger.Client("lag-mtls")
	if err != nil {
		return err
	}
	expired, err := s.ca.Expired().Client("lag-mtls")
	if err != nil {
		return err
	}
	token, err := s.idp.token("lag-oauth", audience)
	if err != nil {
		return err
	}
	refused, err := s.idp.token("lag-oauth", "somebody else")
	if err != nil {
		return err
	}
	var errs []error
	for name, text := range map[string]string{
		"ca.crt": string(s.ca.Cert), "other-ca.crt": string(stranger.Cert),
		"tls.crt": string(ours.Cert), "tls.key": string(ours.Key),
		"other.crt": string(theirs.Cert), "other.key": string(theirs.Key),
		"expired.crt": string(expired.Cert), "expired.key": string(expired.Key), "idp.crt": string(s.idp.certificate()), "secret": clientSecret,
		"password": password + "\n", "wrong": wrong,
		"no-kdc.conf": "[libdefaults]\ndefault_realm = " + realm + "\ndns_lookup_kdc = false\n[realms]\n" + realm + " = {\n kdc = 127.0.0.1:1\n}\n",
		"token":       token, "refused-token": refused,
	} {
		errs = append(errs, os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600))
	}
	return errors.Join(errs...)
}

// config writes a configuration for a listener. In security, DIR stands for
// the folder of the files and IDP for the address of the token endpoint.
func (s *stack) config(name, listener, security string) (string, error) {
	brokers, err := s.bootstrap(listener)
	if err != nil {
		return "", err
	}
	text := "brokers: [" + brokers + "]\npoll-interval: 500ms\nmax-age: 10s\nlog-level: debug\n" +
		strings.NewReplacer("DIR", s.dir, "IDP", s.idp.tokens.URL).Replace(security)
	path := filepath.Join(s.dir, name+".yaml")
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// bootstrap is the address of a listener; PLAINTEXT is the one without security.
func (s *stack) bootstrap(listener string) (string, error) {
	if listener == "PLAINTEXT" {
		return s.kafka.Bootstrap(), nil
	}
	return s.kafka.BootstrapOf(listener)
}
