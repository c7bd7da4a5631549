package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/pki"
)

// authority is a certificate authority made for one test.
type authority struct {
	t *testing.T
	pki.Authority
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	return authority{t, pki.New(t, name)}
}

// issue issues a certificate for the hosts, for servers and clients alike.
func (a authority) issue(name string, expires time.Duration, hosts ...string) tls.Certificate {
	a.t.Helper()
	return a.Issue(pki.Holder{Name: name, Hosts: hosts, Life: expires})
}

func (a authority) pool() *x509.CertPool { return a.Pool() }

// write writes the authority's certificate into the folder.
func (a authority) write(dir string) string {
	a.t.Helper()
	file := filepath.Join(dir, "ca.crt")
	a.Write(file)
	return file
}

// writePair writes a certificate and its key into the folder.
func writePair(t *testing.T, dir string, pair tls.Certificate) (certFile, keyFile string) {
	t.Helper()
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	pki.WritePair(t, pair, certFile, keyFile)
	return certFile, keyFile
}
