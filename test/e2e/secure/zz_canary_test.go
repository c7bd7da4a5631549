package secure

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestZNoSecretIsShown searches all that the programs said during the tests
// before it, which is at the level debug, for every secret that they had.
func TestZNoSecretIsShown(t *testing.T) {
	secrets := allSecrets(t)
	for kind, least := range map[string]int{"a password": 4, "a token": 3, "a private key": 3, "a key of a keytab": 3} {
		if n := len(secrets[kind]); n < least {
			t.Errorf("only %d times %s", n, kind)
		}
	}
	said, err := filepath.Glob(filepath.Join(shared.dir, "*.log"))
	suite.Try(t, err)
	pages, err := filepath.Glob(filepath.Join(shared.dir, "*.metrics"))
	suite.Try(t, err)
	const least = 20 // of the tests before
	if len(said) < least || len(pages) < least {
		t.Errorf("%d logs and %d pages of metrics: run this with the tests before it", len(said), len(pages))
	}
	for _, path := range append(said, pages...) {
		text, err := os.ReadFile(path)
		suite.Try(t, err)
		for kind, forms := range secrets {
			for _, form := range forms {
				if strings.Contains(string(text), form) {
					t.Errorf("%s is shown in %s", kind, path)
				}
			}
		}
	}
}

// allSecrets returns each in the forms in which it could be shown, by kind.
func allSecrets(t *testing.T) map[string][]string {
	t.Helper()
	secrets := map[string][]string{"a password": {password, wrong, newPassword, clientSecret}}
	suite.Try(t, filepath.WalkDir(shared.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path, filepath.Join(shared.dir, "kafka")) {
			return err
		}
		var kind string
		switch name := filepath.Base(path); {
		case strings.HasSuffix(name, ".key"):
			kind = "a private key"
		case strings.HasSuffix(name, "keytab"):
			kind = "a key of a keytab"
		case strings.HasSuffix(name, "token"):
			kind = "a token"
		default:
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		secrets[kind] = append(secrets[kind], forms(text)...)
		return nil
	}))
	return secrets
}

// forms are those in which bytes are logged: as they are, quoted, or encoded;
// of long ones, a part that is secret by itself.
func forms(text []byte) []string {
	switch block, _ := pem.Decode(text); {
	case block != nil:
		const secret = 40 // the scalar of a key is in its beginning
		text = block.Bytes[:secret]
	case strings.HasPrefix(string(text), "eyJ"): // a token is secret by its signature
		const signature = 60
		return []string{string(text[len(text)-signature:])}
	default:
		const version, key = 4, 16 // a keytab ends with a key and its version
		text = text[len(text)-version-key : len(text)-version]
	}
	inBase64 := base64.StdEncoding.EncodeToString(text)
	return []string{string(text), fmt.Sprintf("%q", text), fmt.Sprintf("%d", text), hex.EncodeToString(text), strings.ToUpper(hex.EncodeToString(text)), strings.TrimRight(inBase64, "=")}
}
