package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
)

// TLS says how connections to the brokers are encrypted. The files are PEM and are read again for each connection, so that what
// was rotated is used from the next one on.
type TLS struct {
	CAFile            string // whom to trust; empty for the system's CAs
	CertFile, KeyFile string // the client certificate; both empty for none
	ServerName        string // whom the brokers' certificates must be for; empty for the host of the broker's address
}

// config reads the files. host is the host of the address that is connected to.
func (t *TLS) config(host string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if t.ServerName != "" {
		cfg.ServerName = t.ServerName
	}
	if t.CAFile != "" {
		pool, err := readPool(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls.ca-file: %w", err)
		}
		cfg.RootCAs = pool
	}
	if t.CertFile != "" {
		pair, err := readPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls.cert-file, kafka.tls.key-file: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// maxFile bounds what is read of a file, in bytes; the largest file of CAs in use, with all public ones, has 300 kB.
const maxFile = 8 << 20

func readPool(path string) (*x509.CertPool, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate; allowed are PEM blocks of type CERTIFICATE", path)
	}
	return pool, nil
}

// readPair reads a certificate and its key. A rotation may fall between the one and the other, so that they do not belong
// together; a Secret volume changes all of its files at once, so that the second time they do.
func readPair(certFile, keyFile string) (pair tls.Certificate, err error) {
	for range 2 {
		if pair, err = tls.LoadX509KeyPair(certFile, keyFile); err == nil {
			return pair, nil
		}
	}
	var path *os.PathError
	if !errors.As(err, &path) { // that one names its file
		err = fmt.Errorf("%s and %s are no certificate and its private key in PEM: %w", certFile, keyFile, err)
	}
	return tls.Certificate{}, err
}

// readFile reads a file of at most maxFile bytes.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && int64(len(text)) > maxFile {
		err = fmt.Errorf("%s has more than the %d bytes that are allowed", path, maxFile)
	}
	return text, err
}
