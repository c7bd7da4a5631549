package secure

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// documented returns the blocks of YAML in docs/connect.md by the heading above
// them, the second under a heading with its number; with the addresses, paths
// and names of these tests in place of the examples.
func documented(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(shared.where.Root, "docs", "connect.md"))
	suite.Try(t, err)
	ours := strings.NewReplacer(
		"/etc/kafka/", "DIR/", "/etc/kafka-user/", "DIR/", "/etc/kafka-client/lag.keytab", "DIR/kdc/lag.keytab", "/etc/kafka-client/", "DIR/",
		"/var/run/secrets/kafka/", "DIR/", "/etc/krb5.conf", "DIR/kdc/krb5.conf", "/etc/idp/ca.crt", "DIR/idp.crt",
		"https://idp.example/realms/kafka/protocol/openid-connect/", "IDP/", "lag@EXAMPLE.COM", "lag-krb@"+realm,
		"username: lag\n", "username: lag-512\n", "ABCDEFGHIJKLMNOP", "lag-plain", "client-id: lag\n", "client-id: "+clientID+"\n",
	)
	blocks := make(map[string]string)
	heading, count := "", 0
	for part := range strings.SplitSeq("\n"+string(text), "\n```yaml\n") {
		if block, rest, closed := strings.Cut(part, "\n```"); closed && heading != "" {
			_, settings, _ := strings.Cut(block+"\n", "\n") // without the brokers, which the listener decides
			name := heading
			if count++; count > 1 {
				name = fmt.Sprintf("%s %d", heading, count)
			}
			blocks[name] = ours.Replace(settings)
			part = rest
		}
		for line := range strings.Lines(part) {
			if title, isHeading := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); isHeading && strings.HasPrefix(line, "##") {
				heading, count = strings.TrimSpace(title), 0
			}
		}
	}
	return blocks
}
