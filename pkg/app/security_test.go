package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// A secret that somebody writes into the configuration itself is no setting, and is not repeated when that is said.
func TestReloadShowsNoSecrets(t *testing.T) {
	const canary = "canary-91ab"
	good := "brokers: ['127.0.0.1:1']\n"
	f := newFile(t, good)
	p := start(t, "--config="+f.path, "--web.enable-lifecycle", "--log-level=debug")
	for _, text := range []string{
		"kafka: {sasl: {mechanism: PLAIN, username: lag, password: " + canary + "}}\n",
		"kafka.sasl.password: " + canary + "\n",
		"password: [" + canary + "]\n",
		"kafka: {sasl: [password, " + canary + "]}\n",
		"clusters: [{name: x, brokers: a, password: " + canary + "}]\n",
		"password: {" + canary + "\n",
	} {
		f.write(good + text)
		code, body := p.post()
		if code != http.StatusInternalServerError || strings.Contains(body, canary) {
			t.Errorf("%s is answered with %d %s", text, code, body)
		}
	}
	if _, metrics := p.get("/metrics"); strings.Contains(metrics+p.log.String(), canary) {
		t.Errorf("the secret is shown in:\n%s", p.log)
	}
}

// Row 21. A password that the brokers refuse shows as a failure with what to change, and nowhere itself, however much is logged.
func TestRow21SecretsAreNotShown(t *testing.T) {
	const canary = "canary-7d20"
	kafka, err := kfake.NewCluster(kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "lag", "right"), kfake.Superuser("PLAIN", "lag", "right"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256"} {
		t.Run(mechanism, func(t *testing.T) {
			p := start(t, "--brokers="+strings.Join(kafka.ListenAddrs(), ","), "--log-level=debug", "--log-format=json",
				"--kafka.sasl.mechanism="+mechanism, "--kafka.sasl.username=lag", "--kafka.sasl.password-file="+password)
			p.await("the refusal", func() bool { return strings.Contains(p.log.String(), "refused our identity; check user") })
			p.await("the class of the error", func() bool {
				_, body := p.get("/metrics")
				return strings.Contains(body, `kafka_lag_collector_cluster_up{cluster="default"} 0`) && !strings.Contains(body, `class="authentication",cluster="default"} 0`)
			})
			_, metrics := p.get("/metrics")
			_, page := p.get("/")
			p.stop()
			<-p.code
			if shown := metrics + page + p.log.String(); strings.Contains(shown, canary) {
				t.Errorf("the password is shown in:\n%s", shown)
			}
			if warned := strings.Contains(p.log.String(), "without kafka.tls.enabled"); warned != (mechanism == "PLAIN") {
				t.Errorf("warned of the password on the network: %v", warned)
			}
		})
	}
}
