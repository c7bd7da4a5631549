package config

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// What people write where it does not belong is often a secret, above all the secret itself where its file is asked for. Each of these is
// a mistake, and is told without it.
func TestMistakesDoNotRepeatSecrets(t *testing.T) {
	const (
		scram = "kafka.sasl.mechanism: SCRAM-SHA-512\nkafka.sasl.username: us\n"
		oauth = "kafka.sasl.mechanism: OAUTHBEARER\nkafka.sasl.oauth.token-url: https://idp.example/token\nkafka.sasl.oauth.client-id: us\n"
	)
	pem := "|\n  -----BEGIN EC PRIVATE KEY-----\n  SECRET\n  -----END EC PRIVATE KEY-----\n"
	for name, c := range map[string]struct {
		file string
		args []string
		env  string // NAME=VALUE
		want string
	}{
		"setting that there is not":      {file: scram + "kafka.sasl.password: SECRET\n", want: `unknown setting "kafka.sasl.password"`},
		"mistyped setting":               {file: "kafka: {sasl: {mechanism: PLAIN, username: us, pasword-file: SECRET}}\n", want: `did you mean "kafka.sasl.password-file"`},
		"mistyped setting, a mapping":    {file: "kafka: {sasl: {password: {value: SECRET}}}\n", want: "unknown setting"},
		"text in the place of a mapping": {file: "kafka: {sasl: SECRET}\n", want: "kafka.sasl"},
		"password as its file":           {file: scram + "kafka.sasl.password-file: SECRET\n", want: "kafka.sasl.password-file: "},
		"password as its file, and in the environment": {
			file: scram + "kafka.sasl.password-file: SECRET\n", env: "KAFKA_LAG_KAFKA_SASL_PASSWORD=x", want: "kafka.sasl.password-file: ",
		},
		"number as the file of a password":   {file: scram + "kafka.sasl.password-file: NUMBER\n", want: "kafka.sasl.password-file: "},
		"list as the file of a password":     {file: scram + "kafka.sasl.password-file: [SECRET]\n", want: "kafka.sasl.password-file: "},
		"token as its file":                  {file: "kafka.sasl.mechanism: OAUTHBEARER\nkafka.sasl.oauth.token-file: SECRET\n", want: "kafka.sasl.oauth.token-file: "},
		"client secret as its file":          {file: oauth + "kafka.sasl.oauth.client-secret-file: SECRET\n", want: "kafka.sasl.oauth.client-secret-file: "},
		"key as its file":                    {file: "kafka.tls.enabled: true\nkafka.tls.cert-file: /none\nkafka.tls.key-file: " + pem, want: "kafka.tls.key-file: "},
		"key as its file, without TLS":       {file: "kafka.tls.key-file: " + pem, want: "kafka.tls.key-file: "},
		"keytab as its file":                 {file: "kafka.sasl.mechanism: GSSAPI\nkafka.sasl.kerberos.principal: us\nkafka.sasl.kerberos.keytab-file: SECRET\n", want: "kafka.sasl.kerberos.keytab-file: "},
		"password as its file, of a cluster": {file: "clusters:\n- name: a\n  brokers: a\n  kafka: {sasl: {mechanism: PLAIN, username: us, password-file: SECRET}}\n", want: "password-file: "},
		"user and password in a broker":      {file: "brokers: ['SASL_SSL://us:SECRET@kafka.example:9093']\n", want: "allowed is host:port, without a scheme, a user or a password"},
		"user and password in a broker 2":    {file: "brokers: ['us:SECRET@kafka.example']\n", want: "allowed is host:port, without a scheme, a user or a password"},
		"user and password in a URL":         {file: "kafka.sasl.mechanism: OAUTHBEARER\nkafka.sasl.oauth.token-url: https://us:SECRET@idp.example/\n", want: "without a user or password"},
		"user and password in a wrong URL":   {file: "kafka.sasl.mechanism: OAUTHBEARER\nkafka.sasl.oauth.token-url: 'https://us:SECRET@idp.example:x/%'\n", want: "without a user or password"},
		"password that is an alias":          {file: scram + "kafka.sasl.password: *SECRET\n", want: "not YAML"},
		"password that is a tag":             {file: scram + "kafka.sasl.password-file: !SECRET x\n", want: "kafka.sasl.password-file"},
		"password that is a tag, unknown":    {file: scram + "kafka.sasl.password: !SECRET\n", want: "unknown setting"},
		"password without its closing quote": {file: scram + "kafka.sasl.password: \"SECRET\n", want: "not YAML"},
		"file of a password twice":           {file: scram + "kafka.sasl.password-file: SECRET\nkafka.sasl.password-file: SECRET\n", want: "was given in line 3 already"},
		"colon in a password":                {file: scram + "kafka.sasl.password: x: SECRET\n", want: "not YAML"},
		"flag that there is not":             {args: []string{"--kafka.sasl.password=SECRET"}, want: "unknown flag: --kafka.sasl.password"},
		"flag that there is not, two words":  {args: []string{"--kafka.sasl.password", "SECRET"}, want: "unknown flag: --kafka.sasl.password"},
		"password as its file, a flag":       {args: []string{"--kafka.sasl.mechanism=PLAIN", "--kafka.sasl.username=us", "--kafka.sasl.password-file=SECRET"}, want: "kafka.sasl.password-file: "},
		"password as its file, a variable":   {env: "KAFKA_LAG_KAFKA_SASL_PASSWORD_FILE=SECRET", want: "KAFKA_LAG_KAFKA_SASL_PASSWORD_FILE: there is no such file"},
		"variable that there is not":         {env: "KAFKA_LAG_KAFKA_SASL_PASSWD=SECRET", want: "did you mean KAFKA_LAG_KAFKA_SASL_PASSWORD"},
		"password without a mechanism":       {env: "KAFKA_LAG_KAFKA_SASL_PASSWORD=SECRET", want: "has an effect only if"},
	} {
		t.Run(name, func(t *testing.T) {
			secret := rand.Text()
			if strings.Contains(c.file, "NUMBER") {
				secret = strconv.FormatUint(mathrand.Uint64()|1<<62, 10)
			}
			fill := strings.NewReplacer("SECRET", secret, "NUMBER", secret).Replace
			if name, value, ok := strings.Cut(c.env, "="); ok {
				t.Setenv(name, fill(value))
			}
			args := []string{"--brokers=kafka"}
			if strings.HasPrefix(c.file, "brokers") || strings.HasPrefix(c.file, "clusters") {
				args = nil
			}
			for _, arg := range c.args {
				args = append(args, fill(arg))
			}
			if c.file != "" {
				args = append(args, "--config="+file(t, fill(c.file)))
			}
			_, err := parse(args...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v lacks %q", err, c.want)
			}
			wrong, _ := errors.AsType[*InvalidError](err)
			told, marshalErr := json.Marshal(wrong)
			if marshalErr != nil {
				t.Fatal(marshalErr)
			}
			for _, text := range []string{err.Error(), string(told)} {
				if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
					t.Errorf("the secret is told: %s", text)
				}
			}
		})
	}
}
