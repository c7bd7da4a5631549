package config

import (
	"encoding/json"
	"fmt"
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
		if cfg, err := parse(append(args, "--brokers=a")...); err != nil || cfg.Clusters[0].Kafka.TLS != want {
			t.Errorf("%s: %+v, %v", name, cfg.Clusters[0].Kafka.TLS, err)
		}
	}
	for _, text := range []string{"kafka:\n", "kafka: {}\n", "kafka:\n  tls:\n  # enabled: true\n"} {
		if cfg, err := parse("--brokers=a", "--config="+file(t, text)); err != nil || cfg.Clusters[0].Kafka.TLS != (TLS{}) {
			t.Errorf("%q: %+v, %v", text, cfg.Clusters[0].Kafka.TLS, err)
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
		"without TLS":           {args: []string{"--kafka.tls.ca-file=" + some, "--kafka.tls.server-name=x"}, want: []string{"--kafka.tls.ca-file", `--kafka.tls.server-name: it has no effect`, "set --kafka.tls.enabled"}},
		"no such file":          {args: []string{"--kafka.tls.enabled", "--kafka.tls.ca-file=" + dir + "/none"}, want: []string{"--kafka.tls.ca-file: stat " + dir + "/none: no such file", "allowed is"}},
		"a folder":              {args: []string{"--kafka.tls.enabled", "--kafka.tls.ca-file=" + dir}, want: []string{"--kafka.tls.ca-file: " + dir + " is not a file"}},
		"unknown in a section":  {file: "kafka:\n  tls:\n    enable: true\n", want: []string{"line 3", `"kafka.tls.enable"`, `did you mean "kafka.tls.enabled"?`}},
		"unknown section":       {file: "kafka:\n  tsl: {enabled: true}\n", want: []string{"line 2", `unknown setting "kafka.tsl"`}},
		"no mapping":            {file: "kafka: tls\n", want: []string{"line 1", `kafka: the value must be a mapping`}},
		"list":                  {file: "kafka:\n  tls: [enabled]\n", want: []string{"line 2", `kafka.tls: the value must be a mapping`}},
		"section twice":         {file: "kafka: {}\nkafka: {}\n", want: []string{"line 2", `"kafka" was given in line 1 already`}},
		"setting in both forms": {file: "kafka.tls.enabled: true\nkafka: {tls: {enabled: false}}\n", want: []string{"line 2", `"kafka.tls.enabled" was given in line 1 already`}},
		"bad value in it":       {file: "kafka:\n  tls: {enabled: maybe}\n", want: []string{`line 2: kafka.tls.enabled: "maybe"`}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(c.args, "--brokers=a")
			if c.file != "" {
				args = append(args, "--config="+file(t, c.file))
			}
			_, err := parse(args...)
			says(t, err, c.want)
		})
	}
}

func TestSASL(t *testing.T) {
	secret := file(t, "canary\n")
	t.Setenv("KAFKA_LAG_KAFKA_SASL_OAUTH_CLIENT_SECRET", "")
	for name, c := range map[string]struct {
		text string
		want func(SASL) bool
	}{
		"password": {"{mechanism: SCRAM-SHA-512, username: lag, password-file: " + secret + "}", func(s SASL) bool {
			password, err := s.Password.Read()
			return s.Mechanism == Scram512 && s.Username == "lag" && password == "canary" && err == nil
		}},
		"token": {"{mechanism: OAUTHBEARER, oauth: {token-file: " + secret + ", extensions: {logicalCluster: lkc-1, identityPoolId: pool-1}}}", func(s SASL) bool {
			token, err := s.OAuth.Token.Read()
			return token == "canary" && err == nil && len(s.OAuth.Extensions) == 2 && s.OAuth.Extensions["logicalCluster"] == "lkc-1"
		}},
		"client credentials": {"{mechanism: OAUTHBEARER, oauth: {token-url: https://idp/token, client-id: lag, client-secret-file: " + secret + ", scopes: [a, b], ca-file: " + secret + "}}", func(s SASL) bool {
			o := s.OAuth
			return o.TokenURL == "https://idp/token" && o.ClientID == "lag" && o.ClientSecret.File == secret && len(o.Scopes) == 2 && o.CAFile == secret
		}},
	} {
		cfg, err := parse("--brokers=a", "--config="+file(t, "kafka:\n  sasl: "+c.text+"\n"))
		if err != nil || !c.want(cfg.Clusters[0].Kafka.SASL) {
			t.Errorf("%s: %+v, %v", name, cfg.Clusters[0].Kafka.SASL, err)
		}
	}
	cfg, err := parse("--brokers=a", "--kafka.sasl.mechanism=OAUTHBEARER", "--kafka.sasl.oauth.token-file="+secret, "--kafka.sasl.oauth.extensions=a=1,b=x=y")
	if e := cfg.Clusters[0].Kafka.SASL.OAuth.Extensions; err != nil || e["a"] != "1" || e["b"] != "x=y" || cfg.Clusters[0].Kafka.Exposed() == "" {
		t.Errorf("%v, %v, %q", e, err, cfg.Clusters[0].Kafka.Exposed())
	}
}

// A secret has no form that shows it.
func TestSecretsAreNotShown(t *testing.T) {
	t.Setenv("KAFKA_LAG_KAFKA_SASL_PASSWORD", "canary")
	cfg, err := parse("--brokers=a", "--kafka.sasl.mechanism=PLAIN", "--kafka.sasl.username=lag")
	if err != nil {
		t.Fatal(err)
	}
	if password, err := cfg.Clusters[0].Kafka.SASL.Password.Read(); password != "canary" || err != nil {
		t.Errorf("%q, %v", password, err)
	}
	encoded, err := json.Marshal(cfg.Clusters[0].Kafka)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v %#v", cfg, cfg), fmt.Sprintf("%v %s %q", cfg.Clusters[0].Kafka.SASL, cfg.Clusters[0].Kafka.SASL.Password, cfg.Clusters[0].Kafka.SASL.Password), string(encoded)} {
		if strings.Contains(text, "canary") {
			t.Errorf("shown in %s", text)
		}
	}
	for _, args := range [][]string{
		{"--kafka.sasl.password=canary"}, {"--kafka.sasl.password", "canary"}, {"--config=" + file(t, "kafka: {sasl: {password: canary}}\n")},
		{"--kafka.sasl.password-file=" + file(t, "canary")},
	} {
		if _, err := parse(args...); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", args[0], err)
		}
	}
}

func TestSASLMistakes(t *testing.T) {
	secret, empty := file(t, "canary"), file(t, "\n")
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"unknown mechanism":   {[]string{"mechanism=MD5"}, []string{`--kafka.sasl.mechanism: "MD5" is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, AWS_MSK_IAM, GSSAPI`}},
		"MSK without TLS":     {[]string{"mechanism=AWS_MSK_IAM", "username=lag"}, []string{"AWS_MSK_IAM is offered by TLS only; set --kafka.tls.enabled", "--kafka.sasl.username: it is set"}},
		"GSSAPI alone":        {[]string{"mechanism=GSSAPI", "kerberos.krb5-conf-file=" + secret}, []string{"--kafka.sasl.kerberos.principal: no value", "--kafka.sasl.kerberos.keytab-file: no value"}},
		"no principal":        {[]string{"mechanism=GSSAPI", "kerberos.principal=@R", "kerberos.keytab-file=" + secret, "kerberos.krb5-conf-file=/nowhere", "kerberos.service-name=kafka/host"}, []string{`"@R" is no principal`, "--kafka.sasl.kerberos.krb5-conf-file: stat /nowhere", `"kafka/host" is no service name`}},
		"a keytab for PLAIN":  {[]string{"mechanism=PLAIN", "username=lag", "password-file=" + secret, "kerberos.keytab-file=" + secret}, []string{"--kafka.sasl.kerberos.keytab-file: it is set, but has an effect only if --kafka.sasl.mechanism is GSSAPI"}},
		"nothing else":        {[]string{"mechanism=PLAIN"}, []string{"--kafka.sasl.username: no value; PLAIN needs one", "--kafka.sasl.password-file: no value", "KAFKA_LAG_KAFKA_SASL_PASSWORD"}},
		"no mechanism":        {[]string{"username=lag", "password-file=" + secret}, []string{"--kafka.sasl.username: it is set, but has an effect only if --kafka.sasl.mechanism is PLAIN", "--kafka.sasl.password-file"}},
		"of another":          {[]string{"mechanism=OAUTHBEARER", "username=lag", "oauth.token-file=" + secret}, []string{`--kafka.sasl.username: it is set`, `it is "OAUTHBEARER"`}},
		"no such file":        {[]string{"mechanism=PLAIN", "username=lag", "password-file=/none"}, []string{"--kafka.sasl.password-file: stat /none: no such file"}},
		"an empty file":       {[]string{"mechanism=PLAIN", "username=lag", "password-file=" + empty}, []string{"kafka.sasl.password-file: " + empty + " is empty"}},
		"no token":            {[]string{"mechanism=OAUTHBEARER"}, []string{"--kafka.sasl.oauth.token-file, --kafka.sasl.oauth.token-url: OAUTHBEARER needs exactly one"}},
		"two kinds of tokens": {[]string{"mechanism=OAUTHBEARER", "oauth.token-file=" + secret, "oauth.token-url=https://x/t"}, []string{"needs exactly one"}},
		"a client without an endpoint": {[]string{"mechanism=OAUTHBEARER", "oauth.token-file=" + secret, "oauth.client-id=lag"},
			[]string{"--kafka.sasl.oauth.client-id: it has an effect only with --kafka.sasl.oauth.token-url"}},
		"no client": {[]string{"mechanism=OAUTHBEARER", "oauth.token-url=https://x/t"}, []string{"--kafka.sasl.oauth.client-id: no value", "--kafka.sasl.oauth.client-secret-file: no value", "CLIENT_SECRET"}},
		"a password in the URL": {[]string{"mechanism=OAUTHBEARER", "oauth.token-url=https://a:canary@x/t", "oauth.client-id=a", "oauth.client-secret-file=" + secret},
			[]string{"--kafka.sasl.oauth.token-url: not a URL", "without a user or password"}},
		"no URL":           {[]string{"mechanism=OAUTHBEARER", "oauth.token-url=idp:8080/t", "oauth.client-id=a", "oauth.client-secret-file=" + secret}, []string{"allowed is https://HOST/PATH"}},
		"extension's name": {[]string{"oauth.extensions=auth=x"}, []string{`--kafka.sasl.oauth.extensions: "auth" is no name`}},
		"extension's text": {[]string{"oauth.extensions=a"}, []string{`extension "a": the value is empty`}},
		"scope":            {[]string{"oauth.scopes=a b"}, []string{`--kafka.sasl.oauth.scopes: "a b" is not a word`}},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"--brokers=a"}
			for _, a := range c.args {
				args = append(args, "--kafka.sasl."+a)
			}
			_, err := parse(args...)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing from:\n%v", want, err)
				}
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("a secret is shown: %v", err)
			}
		})
	}
	t.Setenv("KAFKA_LAG_KAFKA_SASL_PASSWORD", "canary")
	_, err := parse("--brokers=a", "--kafka.sasl.mechanism=PLAIN", "--kafka.sasl.username=lag", "--kafka.sasl.password-file="+secret)
	if err == nil || !strings.Contains(err.Error(), "KAFKA_LAG_KAFKA_SASL_PASSWORD is set as well") || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}
