package secure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/canary"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestCrash has both programs crash while they are connected by each kind of
// secret, as a panic ends them: with the stacks of all goroutines, also the
// runtime's. That no secret is in the stacks, the search at the end of the run
// says; here it is seen to that there are any.
func TestCrash(t *testing.T) {
	ways := map[string]struct{ listener, security, env string }{
		"scram":       {"SCRAM", trust + "}\n  sasl: {mechanism: SCRAM-SHA-512, username: lag-512, password-file: DIR/password}\n", ""},
		"plain":       {"PLAIN", trust + "}\n  sasl: {mechanism: PLAIN, username: lag-plain, password-file: DIR/password}\n", ""},
		"environment": {"PLAIN", trust + "}\n  sasl: {mechanism: PLAIN, username: lag-plain}\n", "KAFKA_LAG_KAFKA_SASL_PASSWORD=" + password},
		"token":       {"OAUTH", trust + "}\n  sasl:\n    mechanism: OAUTHBEARER\n    oauth: {token-file: DIR/token}\n", ""},
		"credentials": {"OAUTH", trust + "}\n  sasl:\n    mechanism: OAUTHBEARER\n    oauth: {token-url: IDP/token, ca-file: DIR/idp.crt, client-id: lag-oauth, client-secret-file: DIR/secret}\n", ""},
		"keytab":      {"GSSAPI", trust + "}\n  sasl:\n    mechanism: GSSAPI\n    kerberos: {principal: lag-krb, keytab-file: DIR/kdc/lag.keytab, krb5-conf-file: DIR/kdc/krb5.conf}\n", ""},
		"key":         {"MTLS", trust + ", cert-file: DIR/tls.crt, key-file: DIR/tls.key}\n", ""},
	}
	kubernetes := withoutCluster(t)
	for program, args := range map[string]func(t *testing.T) []string{"lag-exporter": func(*testing.T) []string { return nil }, "lag-adapter": kubernetes} {
		for name, way := range ways {
			t.Run(program+"/"+name, func(t *testing.T) {
				ctx := suite.Within(t, 2*time.Minute)
				name := "crash-" + program + "-" + name
				config, err := shared.config(name, way.listener, way.security)
				suite.Try(t, err)
				env := []string{"GOTRACEBACK=system"}
				if way.env != "" {
					env = append(env, way.env)
				}
				e, err := exporter.StartProgram(ctx, proc.Spec{
					Name: name, Path: shared.where.Product(program), LogDir: shared.dir, Env: env, Args: append(args(t), "--config="+config),
				})
				suite.Try(t, err)
				crash(ctx, t, e, name)
			})
		}
	}
}

// crash ends a program that has read the lag, and wants it to leave its stacks.
func crash(ctx context.Context, t *testing.T, e *exporter.Exporter, name string) {
	t.Helper()
	err := await.Until(ctx, "the lag", func(ctx context.Context) error { return lags(ctx, e, 1) })
	if err == nil {
		keepMetrics(t, name, e)
		err = syscall.Kill(e.PID(), syscall.SIGQUIT)
	}
	if err != nil {
		t.Fatal(errors.Join(err, e.Process().Kill()))
	}
	const goCrash = 2
	if code, err := e.Process().ExitCode(ctx); err != nil || code != goCrash {
		t.Errorf("exit code %d, %v", code, err)
	}
	text := logOf(t, name)
	if n := strings.Count(text, "\ngoroutine "); n < 10 || !strings.Contains(text, "SIGQUIT: quit") || !strings.Contains(text, "kgo.(*") { // whose connections stand
		t.Errorf("the stacks of %d goroutines:\n%s", n, text)
	}
}

// withoutCluster returns the arguments by which lag-adapter runs where no
// Kubernetes answers. Its token is a secret as well.
func withoutCluster(t *testing.T) func(t *testing.T) []string {
	t.Helper()
	token := canary.Text()
	suite.Try(t, canary.Note(shared.dir, canary.Token, token))
	path := filepath.Join(shared.dir, "none.kubeconfig")
	suite.Try(t, os.WriteFile(path, []byte(fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: none, context: {cluster: none, user: us}}]
current-context: none
users:
- name: us
  user:
    token: %s
`, token)), 0o600))
	return func(t *testing.T) []string {
		t.Helper()
		port, err := ports.Free(1)
		suite.Try(t, err)
		return []string{
			"--kubeconfig=" + path, "--bind=selector", "--authentication-skip-lookup", "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port[0]),
			"--shutdown-delay-duration=0s",
		}
	}
}
