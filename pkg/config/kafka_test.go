package config

import (
	"strings"
	"testing"
)

func TestTLS(t *testing.T) {
	some := file(t, "PEM")
	want := TLS{Enabled: true, CAFile: some, CertFile: some, KeyFile: some, ServerName: "kafka"}
	for name, args := range map[string][]string{
		"flags": {"--kafka.tls.enabled", "--kafka.tls.ca-file=" + some, "--kafka.tls.cert-file=" + some, "--kafka.tls.key-file=" + some, "--kafka.tls.server-name=kafka"},
		"file":  {"--config=" + file(t, "kafka:\n  tls: {enabled: true, ca-file: "+some+", cert-file: "+some+", key-file: "+some+", server-name: kafka}\n")},
		"keys with dots": {"--config=" + file(t, "kafka.tls.enabled: true\nkafka.tls.ca-file: "+some+"\nkafka.tls.server-name: kafka\n"+
			"kafka:\n  tls.cert-file: "+some+"\n  tls:\n    key-file: "+some+"\n")},
		"both": {"--kafka.tls.server-name=kafka", "--config=" + file(t, "kafka:\n  tls: {enabled: true, ca-file: "+some+", cert-file: "+some+", key-file: "+some+", server-name: other}\n")},
	} {
		if cfg, err := parse(append(args, "--brokers=a")...); err != nil || cfg.Kafka.TLS != want {
			t.Errorf("%s: %+v, %v", name, cfg.Kafka.TLS, err)
		}
	}
	for _, text := range []string{"kafka:\n", "kafka: {}\n", "kafka:\n  tls:\n  # enabled: true\n"} {
		if cfg, err := parse("--brokers=a", "--config="+file(t, text)); err != nil || cfg.Kafka.TLS != (TLS{}) {
			t.Errorf("%q: %+v, %v", text, cfg.Kafka.TLS, err)
		}
	}
}

func TestMistakesInSections(t *testing.T) {
	some, dir := file(t, "PEM"), t.TempDir()
	for name, c := range map[string]struct {
		args []string
		file string
		want []string
	}{
		"not a switch":          {args: []string{"--kafka.tls.enabled=maybe"}, want: []string{`--kafka.tls.enabled: "maybe" is neither true nor false`}},
		"certificate alone":     {args: []string{"--kafka.tls.enabled", "--kafka.tls.cert-file=" + some}, want: []string{"--kafka.tls.cert-file: a certificate without", "--kafka.tls.key-file"}},
		"key alone":             {args: []string{"--kafka.tls.enabled", "--kafka.tls.key-file=" + some}, want: []string{"--kafka.tls.key-file: a private key without", "--kafka.tls.cert-file"}},
		"without TLS":           {args: []string{"--kafka.tls.ca-file=" + some, "--kafka.tls.server-name=x"}, want: []string{"--kafka.tls.ca-file", `--kafka.tls.server-name: "x" has no effect`, "set --kafka.tls.enabled"}},
		"no such file":          {args: []string{"--kafka.tls.enabled", "--kafka.tls.ca-file=" + dir + "/none"}, want: []string{"--kafka.tls.ca-file: stat " + dir + "/none: no such file", "allowed is"}},
		"a folder":              {args: []string{"--kafka.tls.enabled", "--kafka.tls.ca-file=" + dir}, want: []string{"--kafka.tls.ca-file: " + dir + " is not a file"}},
		"unknown in a section":  {file: "kafka:\n  tls:\n    enable: true\n", want: []string{"line 3", `"kafka.tls.enable"`, `did you mean "kafka.tls.enabled"?`}},
		"unknown section":       {file: "kafka:\n  tsl: {enabled: true}\n", want: []string{"line 2", `unknown setting "kafka.tsl"`}},
		"no mapping":            {file: "kafka: tls\n", want: []string{"line 1", `the value of "kafka" must be a mapping`}},
		"list":                  {file: "kafka:\n  tls: [enabled]\n", want: []string{"line 2", `the value of "kafka.tls" must be a mapping`}},
		"section twice":         {file: "kafka: {}\nkafka: {}\n", want: []string{"line 2", `"kafka" was given in line 1 already`}},
		"setting in both forms": {file: "kafka.tls.enabled: true\nkafka: {tls: {enabled: false}}\n", want: []string{"line 2", `"kafka.tls.enabled" was given in line 1 already`}},
		"bad value in it":       {file: "kafka:\n  tls: {enabled: maybe}\n", want: []string{`--kafka.tls.enabled: "maybe"`}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(c.args, "--brokers=a")
			if c.file != "" {
				args = append(args, "--config="+file(t, c.file))
			}
			_, err := parse(args...)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing from:\n%v", want, err)
				}
			}
		})
	}
}
