package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// The arguments come before the environment, that before the file, and each replaces lists as a whole.
func TestWhatOverridesWhat(t *testing.T) {
	path := file(t, "brokers: [file]\npoll-interval: 10s\nmax-age: 5m\nmax-groups: 1\nkafka: {sasl: {mechanism: OAUTHBEARER, oauth: {token-file: "+file(t, "x")+", extensions: {a: file}}}}\n")
	t.Setenv("KAFKA_LAG_CONFIG", path)
	t.Setenv("KAFKA_LAG_BROKERS", "env-1,env-2")
	t.Setenv("KAFKA_LAG_POLL_INTERVAL", "20s")
	t.Setenv("KAFKA_LAG_MAX_GROUPS", "2")
	t.Setenv("KAFKA_LAG_MAX_PARTITIONS", "") // not set
	t.Setenv("KAFKA_LAG_KAFKA_SASL_OAUTH_EXTENSIONS", "b=env")
	cfg, err := parse("--brokers=flag-1", "--brokers=flag-2", "--poll-interval=30s")
	if err != nil {
		t.Fatal(err)
	}
	c := cfg.Clusters[0]
	if !slices.Equal(c.Brokers, []string{"flag-1:9092", "flag-2:9092"}) || cfg.PollInterval != 30*time.Second || cfg.MaxAge != 5*time.Minute || cfg.MaxGroups != 2 ||
		cfg.MaxPartitions != 2_000_000 || len(c.Kafka.SASL.OAuth.Extensions) != 1 || c.Kafka.SASL.OAuth.Extensions["b"] != "env" || cfg.File != path {
		t.Errorf("%+v", cfg)
	}
	t.Setenv("KAFKA_LAG_KAFKA_SASL_OAUTH_EXTENSIONS", "")
	if cfg, err = parse("--config=" + file(t, "brokers: x\n")); err != nil || cfg.Clusters[0].Brokers[0] != "env-1:9092" {
		t.Errorf("%+v, %v", cfg, err)
	}
}

// What is overridden is checked nevertheless: it counts again once what overrides it is gone.
func TestOverriddenMistakesAreTold(t *testing.T) {
	t.Setenv("KAFKA_LAG_MAX_AGE", "never")
	_, err := parse("--brokers=a", "--max-age=1m", "--max-groups=1", "--config="+file(t, "max-groups: many\nmax-age: 1h\n"))
	for _, want := range []string{"line 1: max-groups: \"many\"", `KAFKA_LAG_MAX_AGE: "never" is not a duration`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}

func TestStructuredSettingsInTheEnvironment(t *testing.T) {
	t.Setenv("KAFKA_LAG_CLUSTERS", "[{name: eu, brokers: [a, b]},\n {name: us, brokers: c}]")
	t.Setenv("KAFKA_LAG_GROUPS", "[{match: x, offset-reset: earliest}]")
	cfg, err := parse()
	if err != nil || len(cfg.Clusters) != 2 || cfg.Clusters[0].Name != "eu" || len(cfg.Clusters[0].Brokers) != 2 || len(cfg.GroupRules) != 1 {
		t.Errorf("%+v, %v", cfg, err)
	}
	t.Setenv("KAFKA_LAG_CLUSTERS", "[{name: eu, brokers: [a, b]},\n {name: us, borkers: c}]")
	if _, err := parse(); err == nil || !strings.Contains(err.Error(), `KAFKA_LAG_CLUSTERS line 2: unknown setting "clusters[1].borkers"; did you mean "clusters[1].brokers"?`) {
		t.Error(err)
	}
}

func TestUnknownVariables(t *testing.T) {
	for name, value := range map[string]string{ // as Kubernetes makes them for the Services kafka-lag-adapter, kafka-lag and kafka-lag-secure
		"KAFKA_LAG_ADAPTER_SERVICE_HOST": "10.0.0.1", "KAFKA_LAG_ADAPTER_SERVICE_PORT": "443", "KAFKA_LAG_ADAPTER_SERVICE_PORT_HTTPS": "443",
		"KAFKA_LAG_ADAPTER_PORT": "tcp://10.0.0.1:443", "KAFKA_LAG_ADAPTER_PORT_443_TCP": "tcp://10.0.0.1:443", "KAFKA_LAG_ADAPTER_PORT_443_TCP_PROTO": "tcp",
		"KAFKA_LAG_ADAPTER_PORT_443_TCP_PORT": "443", "KAFKA_LAG_ADAPTER_PORT_443_TCP_ADDR": "10.0.0.1", "KAFKA_LAG_PORT": "tcp://[fd00::1]:443",
		"KAFKA_LAG_SERVICE_HOST": "10.0.0.1", "KAFKA_LAG_SECURE_PORT": "tcp://10.0.0.1:443",
	} {
		t.Setenv(name, value)
	}
	set, flags := allSettings()
	port := set.Int("secure-port", 6443, "") // of lag-adapter
	if _, err := flags.Parse(set, []string{"--brokers=a"}); err != nil || *port != 6443 {
		t.Error(*port, err)
	}
	t.Setenv("KAFKA_LAG_PORT", "9308")
	t.Setenv("KAFKA_LAG_POL_INTERVAL", "1s")
	t.Setenv("KAFKA_LAG_KAFKA_SASL_PASSWRD", "canary")
	t.Setenv("KAFKA_LAG_VERSION", "true")
	_, err := parse("--brokers=a")
	for _, want := range []string{
		"KAFKA_LAG_POL_INTERVAL: unknown environment variable; did you mean KAFKA_LAG_POLL_INTERVAL?", "did you mean KAFKA_LAG_KAFKA_SASL_PASSWORD?",
		"KAFKA_LAG_PORT: unknown", "KAFKA_LAG_VERSION: unknown",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
	if err != nil && strings.Contains(err.Error(), "canary") {
		t.Errorf("a secret is shown: %v", err)
	}
}
