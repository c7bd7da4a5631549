package canary

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A run with a secret of each kind, by kind.
func newRun(t *testing.T) (dir string, secrets map[string]string) {
	t.Helper()
	dir = t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	secrets = map[string]string{Password: Text(), Token: "eyJ." + rand.Text() + rand.Text() + rand.Text(), Keytab: strings.Repeat("\x01\xff", 16), Key: string(private)}
	for name, text := range map[string]string{
		"volume/token": secrets[Token], "lag.keytab": keytab(secrets[Keytab]), "tls.key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"some.kubeconfig": "users:\n- name: e2e\n  user:\n    token: eyJ." + rand.Text() + "\n",
		"innocent.log":    "all is well\n", "kafka/data/0.log": secrets[Password], "config.yaml": secrets[Password],
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Note(dir, Password, secrets[Password]); err != nil {
		t.Fatal(err)
	}
	return dir, secrets
}

// keytab has an entry of us@R with the key, after one that was deleted.
func keytab(key string) string {
	counted := func(text string) string {
		return string(binary.BigEndian.AppendUint16(nil, uint16(len(text)))) + text
	}
	record := "\x00\x01" + counted("R") + counted("us") + "\x00\x00\x00\x01" + "\x00\x00\x00\x00" + "\x02" + "\x00\x12" + counted(key) + "\x00\x00\x00\x02"
	return "\x05\x02" + "\xff\xff\xff\xfc" + "gone" + string(binary.BigEndian.AppendUint32(nil, uint32(len(record)))) + record
}

func TestNothingIsShown(t *testing.T) {
	dir, _ := newRun(t)
	report, err := Search(dir)
	if err != nil {
		t.Error(err)
	}
	want := "secrets (1 of the kind password, 2 of the kind token, 1 of the kind key, 1 of the kind keytab) searched for in 1 files of 12 bytes"
	if report.String() != want {
		t.Errorf("%v, want %s", report, want)
	}
}

// Each secret is found in each form, wherever it is in each kind of file.
func TestWhatIsShownIsFound(t *testing.T) {
	for name, encode := range map[string]func(string) string{
		"plain":           func(s string) string { return s },
		"quoted":          func(s string) string { return fmt.Sprintf("%q", s) },
		"JSON":            func(s string) string { text, _ := json.Marshal(s); return string(text) },
		"base64":          func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64, after 1": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(":" + s)) },
		"base64, after 5": func(s string) string { return base64.URLEncoding.EncodeToString([]byte("user:" + s + "\n")) },
		"hex":             func(s string) string { return hex.EncodeToString([]byte(s)) },
		"HEX":             func(s string) string { return fmt.Sprintf("%X", s) },
		"hex, dumped":     func(s string) string { return fmt.Sprintf("% x", s) },
		"query":           url.QueryEscape,
		"path":            url.PathEscape,
		"bytes":           func(s string) string { return fmt.Sprintf("%d", []byte(s)) },
	} {
		for i, file := range []string{"lag-exporter.log", "pods/a/crash.log", "x.metrics", "answers/reload.said"} {
			dir, secrets := newRun(t)
			for kind, secret := range secrets {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				text := strings.Repeat("x", i*1001) + "err=" + encode(secret) + "\nmore"
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := Search(dir); err == nil || !strings.Contains(err.Error(), path+" shows the "+kind+" of ") || strings.Count(err.Error(), "shows") != 1 {
					t.Errorf("%s, %s in %s: %v", name, kind, file, err)
				}
			}
		}
	}
}

// A line of a key in PEM is enough, also of one that is in a kubeconfig.
func TestLineOfAKeyIsFound(t *testing.T) {
	dir, _ := newRun(t)
	text, err := os.ReadFile(filepath.Join(dir, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	inKubeconfig := "  client-key-data: " + base64.StdEncoding.EncodeToString(text) + "\n"
	for name, content := range map[string]string{"some.kubeconfig": inKubeconfig, "said.log": "err=" + strings.Split(string(text), "\n")[1]} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err = Search(dir)
	for _, from := range []string{"tls.key", "some.kubeconfig"} {
		if err == nil || !strings.Contains(err.Error(), "said.log shows the key of "+filepath.Join(dir, from)) {
			t.Errorf("%s: %v", from, err)
		}
	}
}

// A search that could find nothing is a failure.
func TestSearchOfNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Search(dir); err == nil {
		t.Error("an empty run is well")
	}
	if err := Note(dir, Password, Text()); err != nil {
		t.Fatal(err)
	}
	if _, err := Search(dir); err == nil {
		t.Error("a run without logs is well")
	}
	if err := os.WriteFile(filepath.Join(dir, "broken.keytab"), []byte("no keytab"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Search(dir); err == nil || !strings.Contains(err.Error(), "not a keytab") {
		t.Errorf("a keytab that is none: %v", err)
	}
}
