package secure

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestReloads asks for a reload of configurations with mistakes that are made
// with secrets, and keeps the answers for the search at the end of the run. What
// commands say of the same files is kept as well.
func TestReloads(t *testing.T) {
	ctx := suite.Within(t, 3*time.Minute)
	const (
		name = "reloads"
		user = trust + "}\n  sasl: {mechanism: SCRAM-SHA-512, username: lag-512, "
	)
	config, err := shared.config(name, "SCRAM", user+"password-file: DIR/password}\n")
	suite.Try(t, err)
	e, err := exporter.StartProgram(ctx, proc.Spec{
		Name: name, Path: shared.where.Product("lag-exporter"), LogDir: shared.dir,
		Args: []string{"--config=" + config, "--web.enable-lifecycle", "--log-level=debug"},
	})
	suite.Try(t, err)
	t.Cleanup(func() {
		keepMetrics(t, name, e)
		if err := e.Stop(); err != nil {
			t.Error(err)
		}
	})
	suite.Try(t, await.Until(ctx, "the lag", func(ctx context.Context) error { return lags(ctx, e, 1) }))
	suite.Try(t, os.WriteFile(filepath.Join(shared.dir, "empty"), nil, 0o600))
	for name, c := range map[string]struct {
		security string
		status   int
		says     string
	}{
		"good":                    {user + "password-file: DIR/password}\n", http.StatusOK, "reloaded"},
		"password that is wrong":  {user + "password-file: DIR/wrong}\n", http.StatusOK, "reloaded"}, // the brokers say that
		"no file":                 {user + "password-file: DIR/none}\n", http.StatusInternalServerError, "no such file"},
		"empty file":              {user + "password-file: DIR/empty}\n", http.StatusInternalServerError, "is empty"},
		"password as its file":    {user + "password-file: '" + password + "'}\n", http.StatusInternalServerError, "may be the secret itself"},
		"no such setting":         {user + "password: '" + password + "'}\n", http.StatusInternalServerError, "unknown setting"},
		"mistyped setting":        {user + "pasword-file: '" + password + "'}\n", http.StatusInternalServerError, "did you mean"},
		"alias":                   {user + "password: *" + password + "}\n", http.StatusInternalServerError, "not YAML"},
		"a text for a mapping":    {trust + "}\n  sasl: '" + password + "'\n", http.StatusInternalServerError, "kafka.sasl"},
		"user in a URL":           {trust + "}\n  sasl:\n    mechanism: OAUTHBEARER\n    oauth: {token-url: 'https://us:" + clientSecret + "@idp', client-id: us, client-secret-file: DIR/secret}\n", http.StatusInternalServerError, "without a user or password"},
		"key as its file":         {trust + ", cert-file: DIR/tls.crt, key-file: \"" + strings.ReplaceAll(contentOf(t, "tls.key"), "\n", `\n`) + "\"}\n", http.StatusInternalServerError, "may be the secret itself"},
		"token as its file":       {trust + "}\n  sasl:\n    mechanism: OAUTHBEARER\n    oauth: {token-file: " + contentOf(t, "token") + "}\n", http.StatusInternalServerError, "may be the secret itself"},
		"a number for a password": {user + "password-file: 4711}\n", http.StatusInternalServerError, "not a text"},
	} {
		t.Run(name, func(t *testing.T) {
			path, err := shared.config("reloads", "SCRAM", c.security)
			suite.Try(t, err)
			status, text := reload(ctx, t, e.URL())
			keepSaid(t, "reloads-"+name, text)
			if status != c.status || !strings.Contains(text, c.says) {
				t.Errorf("%d, want %d; %q is to be in:\n%s", status, c.status, c.says, text)
			}
			for _, words := range [][]string{{"config", "print", "--config=" + path}, {"config", "check", path}, {"config", "check", "-o", "json", path}, {"check", "--config=" + path}} {
				runCommand(ctx, t, "reloads-"+name+"-"+strings.Join(words[:len(words)-1], "-"), words...)
			}
		})
	}
}

// TestSecretInTheEnvironmentToo has a secret in both of the places where only
// one may have it, and in a variable that there is not.
func TestSecretInTheEnvironmentToo(t *testing.T) {
	for variable, want := range map[string]string{"KAFKA_LAG_KAFKA_SASL_PASSWORD": "is set as well", "KAFKA_LAG_KAFKA_SASL_PASSWD": "did you mean KAFKA_LAG_KAFKA_SASL_PASSWORD"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, newPassword)
			path, err := shared.config("environment", "SCRAM", trust+"}\n  sasl: {mechanism: SCRAM-SHA-512, username: lag-512, password-file: DIR/password}\n")
			suite.Try(t, err)
			const wrongConfiguration = 2
			for i, words := range [][]string{{"--config=" + path}, {"config", "print", "--config=" + path}, {"check", "--config=" + path}} {
				code, text := runCommand(suite.Within(t, time.Minute), t, fmt.Sprintf("environment-%s-%d", variable, i), words...)
				if code != wrongConfiguration || !strings.Contains(text, want) {
					t.Errorf("%q: exit code %d, %q is to be in:\n%s", words, code, want, text)
				}
			}
		})
	}
}

func contentOf(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(shared.dir, name))
	suite.Try(t, err)
	return string(text)
}

// reload asks for one.
func reload(ctx context.Context, t *testing.T, url string) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/-/reload", nil)
	suite.Try(t, err)
	response, err := http.DefaultClient.Do(request)
	suite.Try(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	suite.Try(t, err)
	return response.StatusCode, string(body)
}

// keepSaid keeps what was answered beside the logs.
func keepSaid(t *testing.T, name, text string) {
	t.Helper()
	suite.Try(t, os.WriteFile(filepath.Join(shared.dir, name+".said"), []byte(text), 0o600))
}
