package kafka

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// secretFile is a Secret in a file of a test.
type secretFile struct {
	t    *testing.T
	path string
}

func newSecret(t *testing.T, text string) secretFile {
	t.Helper()
	s := secretFile{t, filepath.Join(t.TempDir(), "secret")}
	s.write(text)
	return s
}

func (s secretFile) write(text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s secretFile) Read() (string, error) {
	text, err := os.ReadFile(s.path)
	return string(text), err
}
func (s secretFile) String() string { return s.path }

// users is a SASL listener that knows us by each mechanism, and an administrator.
func users(password string) []kfake.Opt {
	return []kfake.Opt{
		kfake.EnableSASL(), kfake.Superuser("PLAIN", "admin", "admin"), kfake.Superuser("PLAIN", "us", password),
		kfake.Superuser("SCRAM-SHA-256", "us", password), kfake.Superuser("SCRAM-SHA-512", "us", password),
	}
}

func TestPasswords(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			r := secured(t, Security{SASL: &SASL{Mechanism: mechanism, Username: "us", Password: newSecret(t, "right")}}, users("right")...)
			if obs := r.Read(t.Context(), nil); obs.MetadataErr != nil || obs.ListingErr != nil {
				t.Error(obs.MetadataErr, obs.ListingErr)
			}
		})
	}
}

// Row 21. A password that was rotated is used from the next connection on, and no poll is lost.
func TestRow21RotatedPassword(t *testing.T) {
	f := securedFake(t, users("old")...)
	f.client = f.newClient(kgo.SASL(plain.Auth{User: "admin", Pass: "admin"}.AsMechanism()))
	secret := newSecret(t, "old")
	r := f.reader(func(c *Config) { c.Security.SASL = &SASL{Mechanism: "SCRAM-SHA-256", Username: "us", Password: secret} })
	reads := func(when string) {
		t.Helper()
		if obs := r.Read(t.Context(), nil); obs.MetadataErr != nil || obs.ListingErr != nil {
			t.Fatalf("%s: %v, %v", when, obs.MetadataErr, obs.ListingErr)
		}
	}
	reads("at first")
	upsert := kadm.UpsertSCRAM{User: "us", Mechanism: kadm.ScramSha256, Iterations: 4096, Password: "new"}
	altered, err := kadm.NewClient(f.client).AlterUserSCRAMs(t.Context(), nil, []kadm.UpsertSCRAM{upsert})
	if err := errors.Join(err, altered.Error()); err != nil {
		t.Fatal(err)
	}
	reads("on connections that stand")
	secret.write("new")
	age(r)
	reads("on new connections")
	if err := os.Remove(secret.path); err != nil {
		t.Fatal(err)
	}
	reads("on connections that stand, without the file")
	age(r)
	err = r.Read(t.Context(), nil).MetadataErr
	if lag.ClassOf(err) != lag.ClassConnection || !strings.Contains(err.Error(), "our secret cannot be read; have its file written again (open "+secret.path) {
		t.Errorf("without the file: %v", err)
	}
	secret.write("new")
	eventually(t, "the cluster is read again", func() bool { return r.Read(t.Context(), nil).MetadataErr == nil })
}

// Row 21. Each mistake has a message of its own, which says what to change and holds no secret.
func TestRow21SASLMistakesSayWhatToChange(t *testing.T) {
	const canary = "canary-3b1f"
	wrong := newSecret(t, canary)
	for name, c := range map[string]struct {
		ours *SASL
		opts []kfake.Opt
		want string
	}{
		"wrong password (PLAIN)": {
			&SASL{Mechanism: "PLAIN", Username: "us", Password: wrong}, users("right"),
			`refused our identity; check user "us", the password in ` + wrong.path + ", and that this user may use PLAIN",
		},
		"wrong password (SCRAM)": {
			&SASL{Mechanism: "SCRAM-SHA-512", Username: "us", Password: wrong}, users("right"),
			`refused our identity; check user "us", the password in ` + wrong.path + ", and that this user may use SCRAM-SHA-512",
		},
		"unknown user": {
			&SASL{Mechanism: "SCRAM-SHA-256", Username: "nobody", Password: wrong}, users("right"), `refused our identity; check user "nobody"`,
		},
		"a mechanism that the broker lacks": {
			&SASL{Mechanism: "OAUTHBEARER", OAuth: OAuth{Token: wrong}}, users("right"),
			"the broker does not offer OAUTHBEARER at this port; set kafka.sasl.mechanism",
		},
		"none, where SASL is wanted": {nil, users("right"), "set kafka.sasl.mechanism"},
		"SASL, where none is wanted": {
			&SASL{Mechanism: "PLAIN", Username: "us", Password: wrong}, nil,
			"the broker wants no SASL at this port; leave kafka.sasl out",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := securedFake(t, c.opts...)
			if c.opts == nil {
				f.answer(kmsg.SASLHandshake, func(req kmsg.Request) kmsg.Response {
					resp := req.ResponseKind().(*kmsg.SASLHandshakeResponse)
					resp.ErrorCode = kerr.IllegalSaslState.Code
					return resp
				})
			}
			r := f.reader(func(cfg *Config) { cfg.Security.SASL = c.ours })
			err := r.Read(t.Context(), nil).MetadataErr
			if got := lag.ClassOf(err); got != lag.ClassAuthentication {
				t.Fatalf("class %s of %v", got, err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q is missing from: %v", c.want, err)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the secret is shown: %v", err)
			}
		})
	}
}
