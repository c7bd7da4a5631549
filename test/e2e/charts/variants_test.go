package charts

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const brokers = "brokers=kafka:9092"

// The objects that the variants look at.
const (
	deployment = "Deployment kafka-lag-adapter/lag-adapter"
	apiService = "APIService /v1beta1.custom.metrics.k8s.io"
	role       = "ClusterRole /lag-adapter"
	policy     = "NetworkPolicy kafka-lag-adapter/lag-adapter"
)

// TestVariants: what values change, each as YAML or JSON that the object at that path must contain.
func TestVariants(t *testing.T) {
	for name, c := range map[string]struct {
		sets []string
		want map[string]string // by "object: path"
		none []string          // objects that must not be there
	}{
		"a user with a password": {[]string{"kafka.secret=lag"}, map[string]string{
			"config: kafka":                       `{"sasl":{"mechanism":"SCRAM-SHA-512","password-file":"/etc/lag-adapter/kafka/password","username":"lag"},"tls":{"enabled":true}}`,
			deployment + ": spec.template.spec":   `{"name":"kafka","secret":{"defaultMode":288,"items":[{"key":"password","path":"password"}],"secretName":"lag"}}`,
			deployment + ": spec.template.spec.":  `{"mountPath":"/etc/lag-adapter/kafka","name":"kafka","readOnly":true}`,
			deployment + ": spec.template.spec..": `"enableServiceLinks":false`,
		}, nil},
		"in a Confluent Cloud": {[]string{"kafka.secret=cloud", "kafka.mechanism=PLAIN", "kafka.username=KEY", "kafka.passwordKey=secret"}, map[string]string{
			"config: kafka":                     `{"sasl":{"mechanism":"PLAIN","password-file":"/etc/lag-adapter/kafka/password","username":"KEY"},"tls":{"enabled":true}}`,
			deployment + ": spec.template.spec": `{"key":"secret","path":"password"}`,
		}, nil},
		"mTLS and the brokers' CA": {[]string{"kafka.secret=lag", "kafka.mechanism=mTLS", "kafka.caSecret=main-cluster-ca-cert"}, map[string]string{
			"config: kafka": `{"tls":{"ca-file":"/etc/lag-adapter/kafka-ca/ca.crt","cert-file":"/etc/lag-adapter/kafka/tls.crt",` +
				`"enabled":true,"key-file":"/etc/lag-adapter/kafka/tls.key"}}`,
			deployment + ": spec.template.spec": `"secretName":"main-cluster-ca-cert"`,
		}, nil},
		"plain text": {nil, map[string]string{"config: ": `{"brokers":["kafka:9092"],"log-format":"json"}`}, nil},
		"config wins": {[]string{"kafka.secret=lag", "config.kafka.sasl.username=other", "config.poll-interval=10s"}, map[string]string{
			"config: kafka.sasl.username": `"other"`, "config: poll-interval": `"10s"`, "config: kafka.sasl.mechanism": `"SCRAM-SHA-512"`,
		}, nil},
		"cert-manager": {[]string{"certificates.source=cert-manager"}, map[string]string{
			apiService + ": metadata.annotations":                                `{"cert-manager.io/inject-ca-from":"kafka-lag-adapter/lag-adapter-tls"}`,
			"Certificate kafka-lag-adapter/lag-adapter-tls: spec.dnsNames":       `["lag-adapter.kafka-lag-adapter.svc","lag-adapter.kafka-lag-adapter.svc.cluster.local"]`,
			"Certificate kafka-lag-adapter/lag-adapter-tls: spec.issuerRef.name": `"lag-adapter-tls"`,
			"Issuer kafka-lag-adapter/lag-adapter-tls: spec.ca.secretName":       `"lag-adapter-tls-ca"`,
		}, []string{"Secret kafka-lag-adapter/lag-adapter-tls", "Secret kafka-lag-adapter/lag-adapter-tls-ca"}},
		"cert-manager with an issuer": {[]string{"certificates.source=cert-manager", "certificates.certManager.issuerRef.name=vault", "certificates.certManager.issuerRef.kind=ClusterIssuer"}, map[string]string{
			"Certificate kafka-lag-adapter/lag-adapter-tls: spec.issuerRef": `{"kind":"ClusterIssuer","name":"vault"}`,
		}, []string{"Issuer kafka-lag-adapter/lag-adapter-tls", "Certificate kafka-lag-adapter/lag-adapter-tls-ca"}},
		"an existing Secret": {[]string{"certificates.source=existing", "certificates.existing.secret=mine", "certificates.existing.caBundle=PEM"}, map[string]string{
			apiService + ": spec.caBundle":      fmt.Sprintf("%q", base64.StdEncoding.EncodeToString([]byte("PEM"))),
			deployment + ": spec.template.spec": `"secretName":"mine"`,
		}, []string{"Secret kafka-lag-adapter/mine", "Secret kafka-lag-adapter/lag-adapter-tls"}},
		"External metrics only": {[]string{"customMetrics.enabled=false", "externalMetrics.enabled=true"}, map[string]string{
			"APIService /v1beta1.external.metrics.k8s.io: spec.service": `{"name":"lag-adapter","namespace":"kafka-lag-adapter","port":443}`,
			deployment + ": spec.template.spec":                         `"--external-metrics"`,
		}, []string{apiService, "APIService /v1beta2.custom.metrics.k8s.io"}},
		"without membership": {[]string{"config.bind=selector"}, map[string]string{role + ": rules": `{"apiGroups":["*"],"resources":["*/scale"],"verbs":["get"]}`}, nil},
		"further rights, arguments, environment and files": {[]string{
			"rbac.extraRules[0].apiGroups={serving.knative.dev}", "rbac.extraRules[0].resources={services}", "rbac.extraRules[0].verbs={get}",
			"extraArgs={--v=4}", "extraEnv[0].name=HTTPS_PROXY", "extraEnv[0].value=proxy:3128", "extraEnvFrom[0].secretRef.name=aws",
			"extraVolumes[0].name=krb5", "extraVolumes[0].secret.secretName=krb5", "extraVolumeMounts[0].name=krb5", "extraVolumeMounts[0].mountPath=/etc/krb5",
			"serviceAccount.annotations.role=arn", "priorityClassName=system-cluster-critical", "podLabels.team=data", "rollOnConfigChange=true",
		}, map[string]string{
			role + ": rules":                                                     `{"apiGroups":["serving.knative.dev"],"resources":["services"],"verbs":["get"]}`,
			deployment + ": spec.template.spec":                                  `{"name":"HTTPS_PROXY","value":"proxy:3128"}`,
			deployment + ": spec.template.spec.":                                 `"envFrom":[{"secretRef":{"name":"aws"}}]`,
			deployment + ": spec.template.spec..":                                `{"mountPath":"/etc/krb5","name":"krb5"}`,
			deployment + ": spec.template":                                       `"priorityClassName":"system-cluster-critical"`,
			deployment + ": spec.template.":                                      `"team":"data"`,
			deployment + ": spec.template..":                                     `"checksum/config":"`,
			"ServiceAccount kafka-lag-adapter/lag-adapter: metadata.annotations": `{"role":"arn"}`,
		}, nil},
		"a narrow network": {[]string{"networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name=monitoring", "networkPolicy.egress[0].ports[0].port=9092"}, map[string]string{
			policy + ": spec": `"egress":[{"ports":[{"port":9092}]}],"ingress":[{"ports":[{"port":"https"}]},{"from":[{"namespaceSelector":{"matchLabels":{"name":"monitoring"}}}],"ports":[{"port":"metrics"}]}]`,
		}, nil},
		"nothing optional": {[]string{"networkPolicy.enabled=false", "podDisruptionBudget.enabled=false", "rbac.create=false", "serviceAccount.create=false", "serviceAccount.name=mine", "customMetrics.enabled=false"}, map[string]string{
			deployment + ": spec.template.spec": `"serviceAccountName":"mine"`,
		}, []string{policy, role, "PodDisruptionBudget kafka-lag-adapter/lag-adapter", "ServiceAccount kafka-lag-adapter/mine", apiService}},
		"an image by digest": {[]string{"image.digest=sha256:" + strings.Repeat("a", 64)}, map[string]string{
			deployment + ": spec.template.spec": `"image":"ghcr.io/kafka-lag-adapter/lag-adapter@sha256:aaaa`,
		}, nil},
		"scraped by a ServiceMonitor": {[]string{"monitoring.serviceMonitor.enabled=true", "monitoring.serviceMonitor.labels.release=prometheus"}, map[string]string{
			"ServiceMonitor kafka-lag-adapter/lag-adapter: spec.endpoints":  `[{"interval":"15s","port":"metrics"}]`,
			"ServiceMonitor kafka-lag-adapter/lag-adapter: metadata.labels": `"release":"prometheus"`,
		}, nil},
		"scraped by a PodMonitor": {[]string{"monitoring.podMonitor.enabled=true"}, map[string]string{
			"PodMonitor kafka-lag-adapter/lag-adapter: spec.podMetricsEndpoints": `[{"interval":"15s","port":"metrics"}]`,
		}, []string{"ServiceMonitor kafka-lag-adapter/lag-adapter"}},
	} {
		t.Run(name, func(t *testing.T) {
			rendered, err := template(t, "chart", append([]string{brokers}, c.sets...)...)
			if err != nil {
				t.Fatal(err)
			}
			for at, want := range c.want {
				if got := rendered.text(t, at); !strings.Contains(got, want) {
					t.Errorf("%s is\n%s\nwhich lacks\n%s", at, got, want)
				}
			}
			for _, key := range c.none {
				if rendered[key] != nil {
					t.Errorf("%s is rendered", key)
				}
			}
			for key := range rendered {
				if strings.Contains(rendered.text(t, key+": "), "insecureSkipTLSVerify") {
					t.Errorf("%s switches the verification off", key)
				}
			}
		})
	}
	t.Run("bind selector has no right on pods", func(t *testing.T) {
		rendered, err := template(t, "chart", brokers, "config.bind=selector")
		if err != nil {
			t.Fatal(err)
		}
		if rules := rendered.text(t, role+": rules"); strings.Contains(rules, `"pods"`) {
			t.Errorf("%s has pods", rules)
		}
	})
}

// text returns a field as JSON. Its place is "object: path", where dots at the end mean nothing; the object config is the configuration file.
func (o objects) text(t *testing.T, at string) string {
	t.Helper()
	key, path, _ := strings.Cut(at, ": ")
	var fields []string
	if path = strings.TrimRight(path, "."); path != "" {
		fields = strings.Split(path, ".")
	}
	var value any
	if key == "config" {
		file, _ := o.field(t, "ConfigMap kafka-lag-adapter/lag-adapter", "data", "config.yaml").(string)
		if err := yaml.Unmarshal([]byte(file), &value); err != nil {
			t.Fatal(err)
		}
		for _, f := range fields {
			value = value.(map[string]any)[f]
		}
	} else {
		value = o.field(t, key, fields...)
	}
	return toJSON(t, value)
}

// TestRefusals: values that make no sense are refused, with what to do.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		sets []string
		want []string
	}{
		"no brokers":            {nil, []string{"brokers: no value", "--set brokers="}},
		"brokers twice":         {[]string{brokers, "config.clusters[0].name=a"}, []string{"brokers and config.clusters"}},
		"a misspelt value":      {[]string{brokers, "replica=3"}, []string{"'replica' not allowed"}},
		"… within another":      {[]string{brokers, "kafka.mechansim=PLAIN"}, []string{"/kafka", "'mechansim' not allowed"}},
		"an unknown mechanism":  {[]string{brokers, "kafka.mechanism=MD5"}, []string{"/kafka/mechanism", "SCRAM-SHA-512"}},
		"a number for a text":   {[]string{brokers, "replicas=two"}, []string{"/replicas", "want integer"}},
		"a digest that is none": {[]string{brokers, "image.digest=latest"}, []string{"/image/digest"}},
		"an argument":           {[]string{brokers, "extraArgs={v=4}"}, []string{"/extraArgs/0"}},
		"no Secret":             {[]string{brokers, "certificates.source=existing"}, []string{"certificates.existing.secret: no value"}},
		"no CA": {[]string{brokers, "certificates.source=existing", "certificates.existing.secret=mine"}, []string{
			"certificates.existing.caBundle: no value", "no Secret mine with a ca.crt", "--set-file certificates.existing.caBundle=ca.crt"}},
		"two ways to be scraped": {[]string{brokers, "monitoring.serviceMonitor.enabled=true", "monitoring.podMonitor.enabled=true"}, []string{"enable one of them"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := template(t, "chart", c.sets...)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %q", err, want)
				}
			}
		})
	}
}

// TestLint: helm has no complaint about the charts.
func TestLint(t *testing.T) {
	for _, chart := range []string{"chart", "chart-exporter"} {
		out, err := runHelm(t, "lint", "--strict", "--set="+brokers, filepath.Join(where(t).Manifests(), chart))
		if err != nil || strings.Contains(out, "[WARNING]") {
			t.Errorf("%s: %s%v", chart, out, err)
		}
	}
}
