// Package pki makes the certificates of a test's control plane and servers.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// lifetime outlasts any run; backdate allows for clocks that are a little off.
const (
	lifetime = 10 * 24 * time.Hour
	backdate = time.Hour
)

// Pair is a certificate and its private key, both PEM.
type Pair struct {
	Cert, Key []byte
}

// PKCS8 is the key in the only form that Kafka reads.
func (p Pair) PKCS8() (string, error) {
	block, _ := pem.Decode(p.Key)
	private, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// CA is a certificate authority.
type CA struct {
	Pair
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	life time.Duration // of what it issues, from now on
}

// NewCA makes a certificate authority that signs itself.
func NewCA(name string) (*CA, error) {
	template, err := newTemplate(pkix.Name{CommonName: name}, lifetime)
	if err != nil {
		return nil, fmt.Errorf("making CA %s: %w", name, err)
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	pair, key, err := sign(template, template, nil)
	if err != nil {
		return nil, fmt.Errorf("making CA %s: %w", name, err)
	}
	block, _ := pem.Decode(pair.Cert)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("making CA %s: %w", name, err)
	}
	return &CA{Pair: pair, cert: cert, key: key, life: lifetime}, nil
}

// Expired is the same CA, whose certificates expired a minute ago.
func (ca *CA) Expired() *CA {
	expired := *ca
	expired.life = -time.Minute
	return &expired
}

// Server issues a serving certificate for host names and IP addresses.
func (ca *CA) Server(hosts ...string) (Pair, error) {
	template, err := newTemplate(pkix.Name{CommonName: hosts[0]}, ca.life)
	if err != nil {
		return Pair{}, fmt.Errorf("issuing a certificate for %v: %w", hosts, err)
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	pair, _, err := sign(template, ca.cert, ca.key)
	if err != nil {
		return Pair{}, fmt.Errorf("issuing a certificate for %v: %w", hosts, err)
	}
	return pair, nil
}

// Client issues a client certificate: Kubernetes takes the name for the user
// and the organizations for the user's groups.
func (ca *CA) Client(name string, organizations ...string) (Pair, error) {
	template, err := newTemplate(pkix.Name{CommonName: name, Organization: organizations}, ca.life)
	if err != nil {
		return Pair{}, fmt.Errorf("issuing a certificate for %s: %w", name, err)
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	pair, _, err := sign(template, ca.cert, ca.key)
	if err != nil {
		return Pair{}, fmt.Errorf("issuing a certificate for %s: %w", name, err)
	}
	return pair, nil
}

func newTemplate(subject pkix.Name, life time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: subject,
		NotBefore: now.Add(-backdate), NotAfter: now.Add(life),
	}, nil
}

// sign makes a key and its certificate. Without a parent's key the new one
// signs itself.
func sign(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (Pair, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, nil, err
	}
	if parentKey == nil {
		parentKey = key
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return Pair{}, nil, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return Pair{}, nil, err
	}
	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}),
	}, key, nil
}
