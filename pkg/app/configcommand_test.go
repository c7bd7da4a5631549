package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestConfigPrint(t *testing.T) {
	dir := t.TempDir()
	path, password := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "password")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(password, "file-canary")
	write(path, `max-age: 2m
clusters:
  - {name: us, brokers: [b], kafka: {sasl: {mechanism: PLAIN, username: lag}}}
  - {name: eu, brokers: [a], topic-exclude: "__.*"}
groups:
  - {match: batch, offset-reset: earliest}
`)
	t.Setenv("KAFKA_LAG_CLUSTERS_US_KAFKA_SASL_PASSWORD", "environment-canary")
	t.Setenv("KAFKA_LAG_LOG_FORMAT", "json")
	var stdout, stderr bytes.Buffer
	args := []string{"config", "print", "--config=" + path, "--poll-interval=1s", "--kafka.sasl.mechanism=SCRAM-SHA-256", "--kafka.sasl.username=x", "--kafka.sasl.password-file=" + password}
	if code := (Program{Name: "lag-exporter"}).Main(t.Context(), args, &stdout, &stderr); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	// Each setting that was given, with where; those that were not have no comment.
	want := `
    mechanism: SCRAM-SHA-256 # --kafka.sasl.mechanism
    username: x # --kafka.sasl.username
    password-file: PASSWORD # --kafka.sasl.password-file
  - name: us # FILE line 3
    brokers: ['b:9092'] # FILE line 3
        mechanism: PLAIN # FILE line 3
        username: lag # FILE line 3
  - name: eu # FILE line 4
    brokers: ['a:9092'] # FILE line 4
    topic-exclude: __.* # FILE line 4
poll-interval: 1s # --poll-interval
max-age: 2m0s # FILE line 1
  - match: batch # FILE line 6
    offset-reset: earliest # FILE line 6
log-format: json # KAFKA_LAG_LOG_FORMAT
# clusters[0].kafka.sasl.password-file: instead of a file, the environment variable KAFKA_LAG_CLUSTERS_US_KAFKA_SASL_PASSWORD holds the secret`
	got := ""
	for line := range strings.Lines(strings.NewReplacer(path, "FILE", password, "PASSWORD").Replace(stdout.String())) {
		if strings.Contains(line, "# ") {
			got += "\n" + strings.TrimRight(line, "\n")
		}
	}
	if got != want || !strings.Contains(stdout.String(), "\nmax-groups: 20000\n") {
		t.Errorf("printed:\n%s\nand in all\n%s", got, stdout.String())
	}
	// Fed back, with the same secrets in the environment, it is the same configuration.
	first, err := Program{Name: "lag-exporter"}.load(args[2:])
	if err != nil {
		t.Fatal(err)
	}
	write(path, stdout.String())
	again, err := Program{Name: "lag-exporter"}.load([]string{"--config=" + path})
	if err != nil || again.Config.Hash() != first.Config.Hash() || !reflect.DeepEqual(again.Config.Clusters, first.Config.Clusters) {
		t.Errorf("fed back it is %+v, %v", again.Config, err)
	}
}

// Neither what is printed nor what is said of mistakes has a secret in it, wherever that was put.
func TestConfigCommandsShowNoSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	t.Setenv("KAFKA_LAG_KAFKA_SASL_PASSWORD", "canary-1")
	t.Setenv("KAFKA_LAG_KAFKA_SASL_PASWORD", "canary-2")
	for _, text := range []string{
		"brokers: a\nkafka: {sasl: {mechanism: PLAIN, username: x}}\n",
		"brokers: a\nkafka: {sasl: {mechanism: PLAIN, username: x, password: canary-3}}\n",
		"brokers: a\nkafka: {sasl: {password: [canary-3}}\n",
		"brokers: a\nkafka: {sasl: {password-file: [canary-3]}}\n",
		"brokers: a\nkafka: {sasl: {mechanism: OAUTHBEARER, oauth: {token-url: 'https://x:canary-3@y', client-id: x}}}\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"config", "print", "--config", path}, {"config", "check", path}, {"config", "check", "-o=json", path}, {"--config", path}, {"--help"}} {
			var output bytes.Buffer
			code := Program{Name: "lag-exporter"}.Main(t.Context(), args, &output, &output)
			if strings.Contains(output.String(), "canary") || code != exitUsage && args[0] != "--help" {
				t.Errorf("%q: exit code %d:\n%s", args, code, output.String())
			}
		}
	}
}

func TestConfigCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	check := func(text string, args ...string) (int, string, string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		code := Program{Name: "lag-exporter"}.Main(t.Context(), append([]string{"config", "check", path}, args...), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	if code, stdout, _ := check("brokers: a\n"); code != exitOK || stdout != path+" is valid\n" {
		t.Errorf("exit code %d: %s", code, stdout)
	}
	wrong := "kafka: {tls: {enabled: true, ca-file: /none}}\npoll-intervall: 1s\n"
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, path + " line 1: kafka.tls.ca-file: stat /none: no such file or directory; allowed is the path of a file that this process may read\n" +
			path + " line 2: unknown setting \"poll-intervall\"; did you mean \"poll-interval\"?\n" + "--brokers: no value; name at least one Kafka broker as host:port\n"},
		{[]string{"--file-only"}, path + " line 2: unknown setting \"poll-intervall\"; did you mean \"poll-interval\"?\n"},
	} {
		if code, _, stderr := check(wrong, c.args...); code != exitUsage || stderr != c.want {
			t.Errorf("%q: exit code %d:\n%s", c.args, code, stderr)
		}
	}
	if code, _, stderr := check("kafka: {tls: {enabled: true, ca-file: /none}}\n", "--file-only"); code != exitOK {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if code, _, stderr := check("brokers: a\n", "--output=xml"); code != exitUsage || !strings.Contains(stderr, `--output: "xml" is not one of text, json`) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	code, stdout, _ := check(wrong, "-o", "json", "--brokers=a")
	var answer struct {
		File     string
		Valid    bool
		Mistakes []struct {
			Setting, Source, Message string
			Line                     int
		}
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != exitUsage || answer.File != path || answer.Valid || len(answer.Mistakes) != 2 ||
		answer.Mistakes[0].Setting != "kafka.tls.ca-file" || answer.Mistakes[0].Line != 1 || answer.Mistakes[1].Line != 2 || answer.Mistakes[1].Source != path {
		t.Errorf("exit code %d, %v: %s", code, err, stdout)
	}
	if code, stdout, _ = check("brokers: a\n", "-o", "json"); code != exitOK || !strings.Contains(stdout, `"mistakes": []`) || !strings.Contains(stdout, `"valid": true`) {
		t.Errorf("exit code %d: %s", code, stdout)
	}
}
