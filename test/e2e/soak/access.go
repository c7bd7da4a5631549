package soak

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/volume"
)

const mechanism = "SCRAM-SHA-512"

// access is the products' configuration, and what they show themselves to the brokers by. All of it changes while they run.
type access struct {
	config  string // path of the file
	brokers []string
	ca      *pki.CA
	secrets *volume.Volume
	files   map[string]string // what is in secrets
	turn    int               // of the password, and of the certificate
	user    int
	admin   func(func(*kadm.Client) error) error
}

func newAccess(dir string, ca *pki.CA, brokers []string, admin func(func(*kadm.Client) error) error) (*access, error) {
	secrets, err := volume.New(filepath.Join(dir, "secrets"))
	return &access{
		config: filepath.Join(dir, "config.yaml"), brokers: brokers, ca: ca, secrets: secrets, files: map[string]string{}, admin: admin,
	}, err
}

func (a *access) start(ctx context.Context) error {
	return errors.Join(a.renewPassword(ctx), a.renewCertificate(), a.write(""))
}

// write writes the configuration, with more at its end.
func (a *access) write(more string) error {
	text := fmt.Sprintf(`brokers: [%s]
poll-interval: %s
max-age: %s
earliest-groups: .*%s
read-committed-groups: .*%s
kafka:
  tls: {enabled: true, ca-file: %s, cert-file: %s, key-file: %s}
  sasl: {mechanism: %s, username: %s, password-file: %s}
%s`, strings.Join(a.brokers, ", "), pollInterval, maxAge, load.Earliest, load.Committed,
		a.secrets.Path("ca.crt"), a.secrets.Path("tls.crt"), a.secrets.Path("tls.key"), mechanism, users()[a.user], a.secrets.Path("password"), more)
	next := a.config + ".next"
	return errors.Join(os.WriteFile(next, []byte(text), 0o600), os.Rename(next, a.config))
}

// users are two, with the same password.
func users() []string { return []string{"soak-a", "soak-b"} }

// switchUser writes a configuration with the other user, for which all connections are made anew.
func (a *access) switchUser() error {
	a.user = 1 - a.user
	return a.write("")
}

// renewPassword gives the users another password, and puts it in the place of the old one.
func (a *access) renewPassword(ctx context.Context) error {
	a.turn++
	a.files["password"] = fmt.Sprintf("password-%d", a.turn)
	var changes []kadm.UpsertSCRAM
	for _, user := range users() {
		changes = append(changes, kadm.UpsertSCRAM{User: user, Mechanism: kadm.ScramSha512, Iterations: 4096, Password: a.files["password"]})
	}
	err := a.admin(func(admin *kadm.Client) error {
		altered, err := admin.AlterUserSCRAMs(ctx, nil, changes)
		if err != nil {
			return fmt.Errorf("setting passwords: %w", err)
		}
		return altered.Error()
	})
	if err != nil {
		return err
	}
	return a.secrets.Swap(a.files)
}

// renewCertificate puts a new client certificate in the place of the old one, and has another CA trusted besides the brokers'.
func (a *access) renewCertificate() error {
	ours, err := a.ca.Client("soak")
	if err != nil {
		return err
	}
	other, err := pki.NewCA("another CA")
	if err != nil {
		return err
	}
	a.files["ca.crt"], a.files["tls.crt"], a.files["tls.key"] = string(a.ca.Cert)+string(other.Cert), string(ours.Cert), string(ours.Key)
	return a.secrets.Swap(a.files)
}
