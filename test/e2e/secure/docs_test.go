package secure

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// documented returns the blocks of YAML under "Settings" in docs/connect/*.md by
// the page's name, the second of a page with its number; with the addresses,
// paths and names of these tests in place of the examples.
func documented(t *testing.T) map[string]string {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(shared.where.Root, "docs", "connect", "*.md"))
	suite.Try(t, err)
	ours := strings.NewReplacer(
		"/etc/kafka/", "DIR/", "/etc/kafka-user/", "DIR/", "/etc/kafka-client/lag.keytab", "DIR/kdc/lag.keytab", "/etc/kafka-client/", "DIR/",
		"/var/run/secrets/kafka/", "DIR/", "/etc/krb5.conf", "DIR/kdc/krb5.conf", "/etc/idp/ca.crt", "DIR/idp.crt",
		"https://idp.example/realms/kafka/protocol/openid-connect/", "IDP/", "lag@EXAMPLE.COM", "lag-krb@"+realm,
		"username: lag\n", "username: lag-512\n", "username: monitor\n", "username: lag-plain\n", "ABCDEFGHIJKLMNOP", "lag-plain", "client-id: lag\n", "client-id: "+clientID+"\n",
	)
	blocks := make(map[string]string)
	for _, path := range pages {
		text, err := os.ReadFile(path)
		suite.Try(t, err)
		page := strings.TrimSuffix(filepath.Base(path), ".md")
		_, settings, found := strings.Cut(string(text), "\n## Settings\n")
		if !found {
			t.Fatalf("%s has no settings", path)
		}
		settings, _, _ = strings.Cut(settings, "\n## ")
		for i, part := range strings.Split(settings, "\n```yaml\n")[1:] {
			block, _, _ := strings.Cut(part, "\n```")
			_, block, _ = strings.Cut(block+"\n", "\n") // without the brokers, which the listener decides
			name := page
			if i > 0 {
				name = fmt.Sprintf("%s %d", page, i+1)
			}
			blocks[name] = ours.Replace(block)
		}
	}
	return blocks
}
