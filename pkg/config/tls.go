package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/pflag"
)

// TLS is how connections to the brokers are encrypted. The files are PEM, and are read again for every connection.
type TLS struct {
	Enabled    bool
	CAFile     string // empty for the system's CAs
	CertFile   string // the client certificate; empty for none
	KeyFile    string // its private key; set if CertFile is
	ServerName string // empty for the host of each broker's address
}

// The names of the settings, which mistakes have to tell as well.
const (
	tlsEnabled    = "kafka.tls.enabled"
	tlsCAFile     = "kafka.tls.ca-file"
	tlsCertFile   = "kafka.tls.cert-file"
	tlsKeyFile    = "kafka.tls.key-file"
	tlsServerName = "kafka.tls.server-name"
)

func addTLS(set *pflag.FlagSet, t *TLS) {
	set.VarPF(&toggle{&t.Enabled}, tlsEnabled, "", "Connect to the brokers by TLS, version 1.2 or later.").NoOptDefVal = "true"
	set.StringVar(&t.CAFile, tlsCAFile, "", "PEM file with the certificates of the CAs that the brokers' certificates are signed by. The system's CAs if it is not set. "+
		"This file and the next two are read again for every connection.")
	set.StringVar(&t.CertFile, tlsCertFile, "", "PEM file with the client certificate (mTLS), followed by its chain.")
	set.StringVar(&t.KeyFile, tlsKeyFile, "", "PEM file with the private key of the client certificate.")
	set.StringVar(&t.ServerName, tlsServerName, "", "Name that the brokers' certificates must be for, instead of the host in each broker's address.")
}

func (t TLS) validate() []error {
	var errs []error
	texts := []struct{ name, value string }{
		{tlsCAFile, t.CAFile}, {tlsCertFile, t.CertFile}, {tlsKeyFile, t.KeyFile}, {tlsServerName, t.ServerName},
	}
	for i, text := range texts {
		switch {
		case text.value == "":
		case !t.Enabled:
			errs = append(errs, fmt.Errorf("--%s: it has no effect while connections are in plain text; set --%s too, or leave this out", text.name, tlsEnabled))
		case i < 3:
			errs = append(errs, readable(text.name, text.value))
		}
	}
	switch {
	case t.CertFile != "" && t.KeyFile == "":
		errs = append(errs, fmt.Errorf("--%s: a certificate without its private key is of no use; name the key's file as --%s", tlsCertFile, tlsKeyFile))
	case t.CertFile == "" && t.KeyFile != "":
		errs = append(errs, fmt.Errorf("--%s: a private key without its certificate is of no use; name the certificate's file as --%s", tlsKeyFile, tlsCertFile))
	}
	return errs
}

// readable says why a file that a setting names cannot be read, nil if it can. What is in it, its reader checks.
func readable(setting, path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", path)
	}
	if err == nil {
		var file *os.File
		if file, err = os.Open(path); err == nil {
			return file.Close()
		}
	}
	if mayBeSecret(setting, path) {
		err = errors.New("there is no such file (the value is not repeated here: it is no absolute path, and may be the secret itself)")
	}
	return elsewhere{fmt.Errorf("--%s: %w; allowed is the path of a file that this process may read", setting, err)}
}

// mayBeSecret says whether the value of a setting, which should be the path of a file with a secret, may be the secret itself: so it is
// written again and again, also by those who know better.
func mayBeSecret(setting, value string) bool {
	switch setting {
	case saslPassword, oauthToken, oauthClientSecret, kerberosKeytab, tlsKeyFile:
		_, err := os.Stat(value)
		return err != nil && !filepath.IsAbs(value)
	}
	return false
}

// toggle is a setting that is on or off.
type toggle struct{ value *bool }

func (t *toggle) String() string {
	if t.value == nil {
		return ""
	}
	return strconv.FormatBool(*t.value)
}
func (t *toggle) Type() string { return "bool" }

func (t *toggle) Set(value string) error {
	parsed, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("%q is neither true nor false", value)
	}
	*t.value = parsed
	return nil
}
