package stack

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
)

// servingFiles are the paths of a serving certificate, and who issues it.
type servingFiles struct {
	ca, cert, key string
	issuer        *pki.CA
}

// writeServing makes a CA and a certificate for the Service's name where the
// overlay expects them.
func writeServing(dir string) (servingFiles, error) {
	files := servingFiles{ca: filepath.Join(dir, "ca.crt"), cert: filepath.Join(dir, "tls.crt"), key: filepath.Join(dir, "tls.key")}
	var err error
	if files.issuer, err = pki.NewCA(Name); err != nil {
		return files, err
	}
	return files, errors.Join(os.WriteFile(files.ca, files.issuer.Cert, 0o644), files.issue())
}

// issue writes a new certificate.
func (f servingFiles) issue() error {
	serving, err := f.issuer.Server(ServerName, ServerName+".cluster.local")
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(f.cert, serving.Cert, 0o644), os.WriteFile(f.key, serving.Key, 0o600))
}

// Renew writes a new serving certificate of the same CA, as cert-manager does.
func (a *Adapter) Renew() error { return a.serving.issue() }
