package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// The errors of TLS say what went wrong; what is said here before them is what to change. A broker that we do not trust is a
// broken connection and not a failed authentication: there is no account that could be locked, so that it is tried again soon.

// explainHandshake says what to do about a handshake that failed.
func (t *TLS) explainHandshake(err error, cfg *tls.Config) error {
	var (
		unverified *tls.CertificateVerificationError
		noTLS      tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &unverified):
		return t.explainCertificate(err, unverified, cfg.ServerName)
	case errors.As(err, &noTLS):
		return hinted(lag.ClassConnection, err, "the broker answers in plain text; name the port of its TLS listener in the setting brokers, or set kafka.tls.enabled to false")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return hinted(lag.ClassConnection, err, "the broker closed the connection in the TLS handshake, as a plain-text listener does; name the port of its TLS listener "+
			"in the setting brokers, or set kafka.tls.enabled to false")
	case errors.Is(err, context.DeadlineExceeded):
		return unansweredHandshake(err)
	}
	return t.explainAlert(err)
}

func unansweredHandshake(err error) error {
	return hinted(lag.ClassTimeout, err, "the broker hangs in the TLS handshake, or it is a plain-text listener (then set kafka.tls.enabled to false, "+
		"or name the port of its TLS listener in the setting brokers)")
}

// explainCertificate says what to do about a broker's certificate that we refused.
func (t *TLS) explainCertificate(err error, refused *tls.CertificateVerificationError, name string) error {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	if len(refused.UnverifiedCertificates) == 0 {
		return hinted(lag.ClassConnection, err, "the broker sent no certificate that could be checked; look at its ssl.keystore settings")
	}
	leaf := refused.UnverifiedCertificates[0]
	switch {
	case errors.As(err, &authority):
		trusted := "the system's CAs; name the file with the brokers' CA as kafka.tls.ca-file"
		if t.CAFile != "" {
			trusted = fmt.Sprintf("the CAs in kafka.tls.ca-file (%s); put the brokers' CA there", t.CAFile)
		}
		return hinted(lag.ClassConnection, err, "the broker's certificate was issued by %q, which is none of %s", leaf.Issuer, trusted)
	case errors.As(err, &host):
		return hinted(lag.ClassConnection, err, "the broker's certificate is not for %q but for %s; set kafka.tls.server-name to one of them, or have the brokers "+
			"advertise a name that their certificates have", name, strings.Join(subjects(leaf), ", "))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return hinted(lag.ClassConnection, err, "the certificate of the broker, or of the CA that issued it, is not valid now (the broker's is from %s until %s); "+
			"renew it, or look at the clock of this machine", leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return hinted(lag.ClassConnection, err, "the broker's certificate is not fit for a server; have it issued anew")
}

// subjects are the names and addresses that a certificate is for.
func subjects(cert *x509.Certificate) []string {
	names := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		names = append(names, "nobody (it has no subject alternative name)")
	}
	return names
}

// explainAlert says what to do where the broker broke off TLS. It may be told so only with the answer to the first request.
func (t *TLS) explainAlert(err error) error {
	text := err.Error()
	switch {
	case !strings.Contains(text, "remote error: tls:"):
		return err
	case strings.Contains(text, "protocol version"):
		return hinted(lag.ClassConnection, err, "the broker does not speak TLS 1.2 or later; change its ssl.enabled.protocols")
	case t.CertFile == "":
		return hinted(lag.ClassAuthentication, err, "the broker refused the connection as it wants a client certificate; name one as kafka.tls.cert-file and kafka.tls.key-file")
	}
	return hinted(lag.ClassAuthentication, err, "the broker refused our client certificate, %s; it has to be signed by a CA that the brokers trust (ssl.truststore), "+
		"and be in its time", t.describeOwn())
}

// describeOwn tells the client certificate as it is in its file now.
func (t *TLS) describeOwn() string {
	pair, err := readPair(t.CertFile, t.KeyFile)
	if err != nil {
		return err.Error()
	}
	leaf, until := pair.Leaf, "expires"
	if time.Now().After(leaf.NotAfter) {
		until = "EXPIRED"
	}
	return fmt.Sprintf("kafka.tls.cert-file (%s), which is %q, was issued by %q and %s at %s", t.CertFile, leaf.Subject, leaf.Issuer, until, leaf.NotAfter.UTC().Format(time.RFC3339))
}

// explain says what to do about a request that failed because of how its connection is secured.
func (k *link) explain(err error) error {
	ours := k.dialer.tls
	if refused := k.dialer.identity.explain(err); refused != nil {
		return refused
	}
	var first *kgo.ErrFirstReadEOF
	var explained *connectError
	switch text := err.Error(); {
	case errors.As(err, &explained):
		return explained // the client's words around it are of no use
	case errors.Is(err, context.DeadlineExceeded) && k.dialer.unshaken.Load(): // the request ended before the dialer could say so
		return unansweredHandshake(err)
	case strings.Contains(text, "appear to be a tls alert"):
		return hinted(lag.ClassConnection, err, "the broker expects TLS at this port; set kafka.tls.enabled to true, or name the port of its plain-text listener in the setting brokers")
	case strings.Contains(text, "remote error: tls:") && ours != nil:
		return ours.explainAlert(err)
	case errors.As(err, &first) && ours == nil && strings.Contains(text, "api versions"):
		return hinted(lag.ClassConnection, err, "the broker closed the connection at the first request, as a TLS listener does when it is spoken to in plain text; if it is one, "+
			"set kafka.tls.enabled to true")
	case errors.As(err, &first) && k.dialer.identity == nil && strings.Contains(text, "SASL"):
		return hinted(lag.ClassAuthentication, err, "the broker closed the connection at the first request, as a listener does that wants SASL; if it does, set kafka.sasl.mechanism")
	}
	return err
}
