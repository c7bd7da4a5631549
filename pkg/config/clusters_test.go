package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestClusters(t *testing.T) {
	ca, password := file(t, "PEM"), file(t, "secret")
	cfg, err := parse("--group-include=orders.*", "--config="+file(t, `
kafka:
  tls: {enabled: true, ca-file: `+ca+`}
  sasl: {mechanism: PLAIN, username: common, password-file: `+password+`}
topic-exclude: __.*
clusters:
  - name: us.2
    brokers: [us-1, us-2:9093]
    group-include: payments
    kafka:
      sasl: {mechanism: SCRAM-SHA-512, username: us, password-file: `+password+`}
  - name: eu
    brokers: eu
  - name: plain
    brokers: [plain]
    topic-exclude: ""
    kafka: {tls: {}, sasl: {}}
`))
	if err != nil {
		t.Fatal(err)
	}
	eu, plain, us := cfg.Clusters[0], cfg.Clusters[1], cfg.Clusters[2]
	if len(cfg.Clusters) != 3 || eu.Name != "eu" || plain.Name != "plain" || us.Name != "us.2" {
		t.Fatalf("%+v", cfg.Clusters)
	}
	if !slices.Equal(us.Brokers, []string{"us-1:9092", "us-2:9093"}) || !us.Groups.Match("payments") || us.Groups.Match("orders") || !us.Kafka.TLS.Enabled ||
		us.Kafka.SASL.Username != "us" || us.Kafka.SASL.Mechanism != Scram512 {
		t.Errorf("%+v", us)
	}
	if !eu.Groups.Match("orders-1") || eu.Topics.Match("__x") || eu.Kafka.SASL.Username != "common" || eu.Kafka.TLS.CAFile != ca {
		t.Errorf("%+v", eu)
	}
	if plain.Kafka.TLS.Enabled || plain.Kafka.SASL.Mechanism != "" || !plain.Topics.Match("__x") || !plain.Groups.Match("orders-1") {
		t.Errorf("%+v", plain)
	}
}

// Whatever is said of all clusters gets to each.
func TestEverySettingIsInherited(t *testing.T) {
	var defined Cluster
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	addCluster(all, &defined)
	some := file(t, "x")
	examples := map[string]string{"kafka.tls.enabled": "true", "kafka.sasl.mechanism": Plain, "kafka.sasl.oauth.extensions": "a=b", "kafka.sasl.oauth.token-url": "https://x"}
	all.VisitAll(func(f *pflag.Flag) {
		if f.Name == settingBrokers {
			return
		}
		value, ok := examples[f.Name]
		if _, path := f.Value.(*secretFile); path || strings.HasSuffix(f.Name, "-file") {
			value = some
		} else if !ok {
			value = "x"
		}
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		flags := AddFlags(set)
		_, _ = flags.Parse(set, []string{"--" + f.Name + "=" + value, "--clusters=[{name: a, brokers: a}]"}) // it may lack others
		if got := flags.clusters.list[0].section.set.Lookup(f.Name).Value.String(); got != set.Lookup(f.Name).Value.String() || got == "" || got == "false" {
			t.Errorf("%s of a cluster is %q", f.Name, got)
		}
	})
}

func TestSecretsOfClusters(t *testing.T) {
	sasl := "{mechanism: PLAIN, username: x}"
	t.Setenv("KAFKA_LAG_CLUSTERS_EU_WEST_1_KAFKA_SASL_PASSWORD", "own-canary")
	t.Setenv("KAFKA_LAG_KAFKA_SASL_PASSWORD", "common-canary")
	read := func(text string) (passwords []string) {
		t.Helper()
		cfg, err := parse("--config=" + file(t, text))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cfg.Clusters {
			password, err := c.Kafka.SASL.Password.Read()
			if err != nil {
				t.Error(err)
			}
			passwords = append(passwords, c.Name+":"+password)
		}
		return passwords
	}
	if got := read("clusters:\n- {name: eu-west.1, brokers: a, kafka: {sasl: " + sasl + "}}\n- {name: us, brokers: a}\nkafka: {sasl: " + sasl + "}\n"); !slices.Equal(got, []string{"eu-west.1:own-canary", "us:common-canary"}) {
		t.Errorf("%q", got)
	}
	if got := read("clusters:\n- {name: eu-west.1, brokers: a}\n- {name: us, brokers: a}\nkafka: {sasl: " + sasl + "}\n"); !slices.Equal(got, []string{"eu-west.1:own-canary", "us:common-canary"}) {
		t.Errorf("%q", got)
	}
	// A cluster that says itself who we are does not get the password that is for the others.
	_, err := parse("--clusters=[{name: eu-west-1, brokers: a, kafka: {sasl: " + sasl + "}}, {name: us, brokers: a, kafka: {sasl: " + sasl + "}}]")
	want := "--clusters line 1: clusters[1].kafka.sasl.password-file: no value; PLAIN needs a password there, or in the environment variable KAFKA_LAG_CLUSTERS_US_KAFKA_SASL_PASSWORD"
	if err == nil || err.Error() != want {
		t.Error(err)
	}
	// A cluster that is not there has no variables.
	_, err = parse("--clusters=[{name: us, brokers: a}]", "--kafka.sasl.mechanism=PLAIN", "--kafka.sasl.username=x")
	if err == nil || !strings.Contains(err.Error(), "KAFKA_LAG_CLUSTERS_EU_WEST_1_KAFKA_SASL_PASSWORD: unknown environment variable") || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

func TestMistakesInClusters(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"none":               {"clusters: []\n", []string{"line 1: clusters: no cluster"}},
		"null":               {"clusters:\n", []string{"line 1: clusters: the value must be a list of mappings"}},
		"a mapping":          {"clusters: {eu: {brokers: a}}\n", []string{"line 1: clusters: the value must be a list of mappings"}},
		"a list of texts":    {"clusters:\n- eu\n", []string{"line 2: clusters[0]: the value must be a mapping of settings, such as {name: …}"}},
		"brokers besides":    {"clusters:\n- {name: a, brokers: a}\nbrokers: b\n", []string{"line 3: brokers: it has no effect beside clusters"}},
		"no name":            {"clusters:\n- brokers: a\n", []string{"line 2: clusters[0].name: no value"}},
		"a bad name":         {"clusters:\n- name: -a\n  brokers: a\n", []string{`line 2: clusters[0].name: "-a" is no name of a cluster; allowed are`}},
		"an empty name":      {"clusters:\n- name: ''\n  brokers: a\n", []string{`line 2: clusters[0].name: "" is no name`}},
		"a number as a name": {"clusters:\n- name: 1\n  brokers: a\n", []string{`line 2: clusters[0].name: the value is not a text for YAML; write it in quotes`}},
		"one name twice":     {"clusters:\n- {name: a, brokers: a}\n- brokers: b\n  name: a\n", []string{`line 4: clusters[1].name: another cluster is called "a" already`}},
		"one variable twice": {"clusters:\n- {name: a-b, brokers: a}\n- {name: A.b, brokers: a}\n", []string{`line 3: clusters[1].name: in environment variables "A.b" would be the same as "a-b" (A_B)`}},
		"no brokers":         {"clusters:\n- name: a\n", []string{"line 2: clusters[0].brokers: no value"}},
		"bad brokers":        {"clusters:\n- name: a\n  brokers: ['x:y']\n", []string{`line 3: clusters[0].brokers: port "y"`}},
		"an unknown key":     {"clusters:\n- name: a\n  brokers: a\n  kafka:\n    tls:\n      enable: true\n", []string{`line 6: unknown setting "clusters[0].kafka.tls.enable"; did you mean "clusters[0].kafka.tls.enabled"?`}},
		"not of a cluster":   {"clusters:\n- name: a\n  brokers: a\n  poll-interval: 1s\n", []string{`line 4: unknown setting "clusters[0].poll-interval"`}},
		"a key twice":        {"clusters:\n- name: a\n  brokers: a\n  name: b\n", []string{`line 4: "clusters[0].name" was given in line 2 already`}},
		"what is together":   {"clusters:\n- name: a\n  brokers: a\n  kafka: {tls: {server-name: x}}\n", []string{"line 4: clusters[0].kafka.tls.server-name: it has no effect"}},
		"what is common": {"kafka:\n  tls:\n    server-name: x\nclusters:\n- {name: a, brokers: a}\n- {name: b, brokers: b}\n",
			[]string{"line 3: kafka.tls.server-name: it has no effect"}},
		"what it lacks": {"clusters:\n- name: a\n  brokers: a\n  kafka: {sasl: {mechanism: PLAIN}}\n", []string{"line 2: clusters[0].kafka.sasl.username: no value"}},
		"several": {"clusters:\n- brokers: a\n  group-include: (\n- {name: b, brokers: a, x: 1}\nmax-age: 1\n",
			[]string{"line 2: clusters[0].name", "line 3: clusters[0].group-include", `line 4: unknown setting "clusters[1].x"`, `line 5: max-age: "1" is not a duration`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse("--config=" + file(t, c.text))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if strings.Count(err.Error(), want) != 1 {
					t.Errorf("%q is missing, or there twice, in:\n%v", want, err)
				}
			}
			if got := strings.Count(err.Error(), "\n") + 1; name != "what it lacks" && got != len(c.want) {
				t.Errorf("%d mistakes instead of %d:\n%v", got, len(c.want), err)
			}
		})
	}
}
