package adapter

import (
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/pki"
)

// authority is a certificate authority made for one test, whose certificates are for users in groups and for this machine.
type authority struct {
	t testing.TB
	pki.Authority
}

func newAuthority(t testing.TB, name string) authority {
	t.Helper()
	return authority{t, pki.New(t, name)}
}

// issue makes a certificate for a client or server.
func (a authority) issue(name string, groups ...string) tls.Certificate {
	a.t.Helper()
	return a.Issue(pki.Holder{Name: name, Groups: groups, Hosts: []string{"127.0.0.1"}, Life: time.Hour})
}

// file writes the authority's certificate.
func (a authority) file() string {
	a.t.Helper()
	file := filepath.Join(a.t.TempDir(), "pem")
	a.Write(file)
	return file
}

func (a authority) pool() *x509.CertPool { return a.Pool() }

// keyPair writes a certificate and its key.
func keyPair(t testing.TB, cert tls.Certificate) (certFile, keyFile string) {
	t.Helper()
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	pki.WritePair(t, cert, certFile, keyFile)
	return certFile, keyFile
}
