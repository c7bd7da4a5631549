package kinds

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/prometheus"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// scrapeHash is bcrypt's of "scrape-me".
const scrapeHash = "$2a$04$Uj6WDshrufa6BeXbn7v3jeqLtzGXZE3i88FYfJCm2MaES2PmGljem"

// scrapeConfig has three jobs for one exporter: one may scrape it, one has a wrong password, one does not trust its CA.
const scrapeConfig = `global: {scrape_interval: 1s}
scrape_configs:
- {job_name: good, scheme: https, static_configs: [{targets: [%[1]q]}], basic_auth: {username: prometheus, password: scrape-me}, tls_config: {ca_file: %[2]q}}
- {job_name: password, scheme: https, static_configs: [{targets: [%[1]q]}], basic_auth: {username: prometheus, password: wrong}, tls_config: {ca_file: %[2]q}}
- {job_name: distrust, scheme: https, static_configs: [{targets: [%[1]q]}], basic_auth: {username: prometheus, password: scrape-me}}
`

// TestPrometheusByTLSAndPassword lets a real Prometheus scrape an exporter behind TLS and a password.
func TestPrometheusByTLSAndPassword(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	dir := filepath.Join(shared.dir, "web")
	suite.Try(t, os.MkdirAll(dir, 0o755))
	writeServing(t, dir)
	config := "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\nbasic_auth_users: {prometheus: " + scrapeHash + "}\n"
	suite.Try(t, os.WriteFile(filepath.Join(dir, "web.yaml"), []byte(config), 0o600))
	port, err := ports.Free(2)
	suite.Try(t, err)
	metrics, health := fmt.Sprintf("127.0.0.1:%d", port[0]), fmt.Sprintf("127.0.0.1:%d", port[1])
	p, err := proc.Start(proc.Spec{Name: "lag-exporter-web", Path: shared.where.Product("lag-exporter"), LogDir: shared.dir, Args: []string{
		"--brokers=" + shared.Kafka.Bootstrap(), "--poll-interval=1s", "--web.listen-address=" + metrics, "--web.health-address=" + health,
		"--web.config.file=" + filepath.Join(dir, "web.yaml"),
	}})
	suite.Try(t, err)
	t.Cleanup(func() { suite.Try(t, p.Stop(15*time.Second)) })
	suite.Try(t, p.Ready(ctx, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+health+"/readyz", http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		return response.Body.Close()
	}))

	prom, err := prometheus.Start(ctx, filepath.Join(dir, "prometheus"), fmt.Sprintf(scrapeConfig, metrics, filepath.Join(dir, "ca.crt")))
	suite.Try(t, err)
	t.Cleanup(func() { suite.Try(t, prom.Stop()) })
	awaitJobs(ctx, t, prom, "up", map[string]string{"good": "1", "password": "0", "distrust": "0"})
	awaitJobs(ctx, t, prom, "kafka_brokers", map[string]string{"good": "3"})
}

// writeServing writes a CA of its own and a certificate by it.
func writeServing(t *testing.T, dir string) {
	t.Helper()
	ca, err := pki.NewCA("web")
	suite.Try(t, err)
	pair, err := ca.Server("127.0.0.1")
	suite.Try(t, err)
	for name, content := range map[string][]byte{"tls.key": pair.Key, "tls.crt": pair.Cert, "ca.crt": ca.Cert} {
		suite.Try(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
}

// awaitJobs waits until the query has these values by job, and no others.
func awaitJobs(ctx context.Context, t *testing.T, prom *prometheus.Prometheus, query string, want map[string]string) {
	t.Helper()
	suite.Try(t, await.Until(ctx, query, func(ctx context.Context) error {
		got, err := prom.Query(ctx, query, "job")
		if err == nil && fmt.Sprint(got) != fmt.Sprint(want) {
			err = fmt.Errorf("%v, want %v", got, want)
		}
		return err
	}))
}
