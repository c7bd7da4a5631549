// Package pki makes certificates for the tests of the packages.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"testing"
	"time"
)

// Authority is a certificate authority made for one test.
type Authority struct {
	Cert *x509.Certificate
	t    testing.TB
	key  *ecdsa.PrivateKey
}

// New makes an authority of that name.
func New(t testing.TB, name string) Authority {
	t.Helper()
	own := template(name, time.Hour)
	own.IsCA, own.KeyUsage, own.BasicConstraintsValid = true, x509.KeyUsageCertSign, true
	a := Authority{t: t, key: newKey(t)}
	a.Cert = a.sign(own, &a.key.PublicKey, own)
	return a
}

// Holder is who a certificate is for, be it a client or a server.
type Holder struct {
	Name   string
	Groups []string      // its organizations
	Hosts  []string      // names and addresses of a server
	Life   time.Duration // from now on; negative if it has expired
}

// Issue makes a key and a certificate for it.
func (a Authority) Issue(holder Holder) tls.Certificate {
	a.t.Helper()
	of := template(holder.Name, holder.Life)
	of.Subject.Organization = holder.Groups
	of.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	for _, host := range holder.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			of.IPAddresses = append(of.IPAddresses, ip)
		} else {
			of.DNSNames = append(of.DNSNames, host)
		}
	}
	key := newKey(a.t)
	cert := a.sign(of, &key.PublicKey, a.Cert)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// Pool has the authority and no other.
func (a Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Cert)
	return pool
}

// Write writes the authority's certificate.
func (a Authority) Write(file string) {
	a.t.Helper()
	write(a.t, file, "CERTIFICATE", a.Cert.Raw)
}

// WritePair writes a certificate and its key.
func WritePair(t testing.TB, pair tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, certFile, "CERTIFICATE", pair.Certificate[0])
	write(t, keyFile, "PRIVATE KEY", key)
}

func template(name string, life time.Duration) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life),
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a Authority) sign(template *x509.Certificate, public *ecdsa.PublicKey, parent *x509.Certificate) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

func write(t testing.TB, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
