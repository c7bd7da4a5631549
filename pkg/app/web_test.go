package app

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/pki"
)

// webCA is a certificate authority, and the directory of what it issued.
type webCA struct {
	t   *testing.T
	dir string
	pki.Authority
}

func newWebCA(t *testing.T) *webCA {
	t.Helper()
	ca := &webCA{t, t.TempDir(), pki.New(t, "ca")}
	ca.Write(filepath.Join(ca.dir, "ca.crt"))
	return ca
}

// issue writes NAME.crt and NAME.key, and returns them.
func (ca *webCA) issue(name string) tls.Certificate {
	ca.t.Helper()
	pair := ca.Issue(pki.Holder{Name: name, Hosts: []string{"127.0.0.1"}, Life: time.Hour})
	pki.WritePair(ca.t, pair, filepath.Join(ca.dir, name+".crt"), filepath.Join(ca.dir, name+".key"))
	return pair
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// scraper asks by connections of its own.
type scraper struct {
	roots    *x509.CertPool
	cert     *tls.Certificate
	password string
}

// scraped is what a test looks at of an answer.
type scraped struct {
	status, protocol int      // HTTP's major version
	serial           *big.Int // of the server's certificate
}

// get returns an error if there is no answer.
func (s scraper) get(t *testing.T, url string) (answer scraped, err error) {
	t.Helper()
	cfg := &tls.Config{RootCAs: s.roots}
	if s.cert != nil {
		cfg.Certificates = []tls.Certificate{*s.cert}
	}
	transport := &http.Transport{TLSClientConfig: cfg, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if s.password != "" {
		request.SetBasicAuth("prometheus", s.password)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return answer, err
	}
	defer func() { _ = response.Body.Close() }()
	answer.status, answer.protocol = response.StatusCode, response.ProtoMajor
	if response.TLS != nil {
		answer.serial = response.TLS.PeerCertificates[0].SerialNumber
	}
	_, err = io.Copy(io.Discard, response.Body)
	return answer, err
}

// scrapePassword is what the hash below is of, by bcrypt at its lowest cost.
const (
	scrapePassword     = "scrape-me"
	scrapePasswordHash = "$2a$04$Uj6WDshrufa6BeXbn7v3jeqLtzGXZE3i88FYfJCm2MaES2PmGljem"
)

// startWeb starts the program behind a web configuration and waits for the port of probes.
func startWeb(t *testing.T, ca *webCA, webConfig string) (p *program, https, health string) {
	t.Helper()
	file, healthAddress := filepath.Join(ca.dir, "web.yaml"), freeAddress(t)
	writeFile(t, file, webConfig)
	p = startAt(t, "http://"+healthAddress, "--brokers=127.0.0.1:1", "--web.config.file="+file, "--web.health-address="+healthAddress)
	return p, "https://" + p.address, "http://" + healthAddress
}

func TestWebTLSAndPassword(t *testing.T) {
	ca := newWebCA(t)
	ca.issue("server")
	const tlsConfig = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
	p, https, health := startWeb(t, ca, tlsConfig+"basic_auth_users: {prometheus: "+scrapePasswordHash+"}\n")
	ours := ca.Pool()
	for _, path := range []string{"/metrics", "/", "/livez", "/readyz", "/nothing"} {
		for password, want := range map[string]int{"": 401, "wrong": 401} {
			answer, err := scraper{roots: ours, password: password}.get(t, https+path)
			if err != nil || answer.status != want {
				t.Errorf("%s with password %q: %v, %v; want %d", path, password, answer, err, want)
			}
		}
	}
	answer, err := scraper{roots: ours, password: scrapePassword}.get(t, https+"/metrics")
	if err != nil || answer.status != 200 || answer.protocol != 2 {
		t.Fatalf("%v, %v", answer, err)
	}
	if _, err := (scraper{password: scrapePassword}).get(t, https+"/metrics"); err == nil {
		t.Error("a client that does not know the CA trusts the server")
	}
	if answer, err := (scraper{password: scrapePassword}).get(t, "http://"+p.address+"/metrics"); err == nil && answer.status == 200 {
		t.Error("metrics by plain HTTP")
	}
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/metrics": 404, "/": 404} {
		if answer, err := (scraper{}).get(t, health+path); err != nil || answer.status != want {
			t.Errorf("%s of the port of probes: %v, %v; want %d", path, answer, err, want)
		}
	}

	first := answer.serial
	ca.issue("server")
	answer, err = scraper{roots: ours, password: scrapePassword}.get(t, https+"/metrics")
	if err != nil || answer.serial.Cmp(first) == 0 {
		t.Errorf("after the rotation of the certificate the next connection has the old one, or none: %v", err)
	}
	writeFile(t, filepath.Join(ca.dir, "web.yaml"), tlsConfig)
	if answer, err := (scraper{roots: ours}).get(t, https+"/metrics"); err != nil || answer.status != 200 {
		t.Errorf("after the password was taken out of the file: %v, %v", answer, err)
	}
	if strings.Contains(p.log.String(), scrapePassword) || strings.Contains(p.log.String(), scrapePasswordHash) {
		t.Errorf("a secret is in the log:\n%s", p.log)
	}
}

func TestWebClientCertificates(t *testing.T) {
	ca, strangers := newWebCA(t), newWebCA(t)
	ca.issue("server")
	client, stranger := ca.issue("client"), strangers.issue("client")
	_, https, _ := startWeb(t, ca, "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert}\n")
	ours := ca.Pool()
	if answer, err := (scraper{roots: ours, cert: &client}).get(t, https+"/metrics"); err != nil || answer.status != 200 {
		t.Errorf("with a certificate: %v, %v", answer, err)
	}
	for name, cert := range map[string]*tls.Certificate{"none": nil, "another CA's": &stranger} {
		if answer, err := (scraper{roots: ours, cert: cert}).get(t, https+"/metrics"); err == nil {
			t.Errorf("%s: %v", name, answer)
		}
	}
	writeFile(t, filepath.Join(ca.dir, "ca.crt"), read(t, filepath.Join(strangers.dir, "ca.crt")))
	if answer, err := (scraper{roots: ours, cert: &stranger}).get(t, https+"/metrics"); err != nil || answer.status != 200 {
		t.Errorf("after the rotation of the clients' CA: %v, %v", answer, err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWebConfigMistakes(t *testing.T) {
	ca := newWebCA(t)
	ca.issue("server")
	file := filepath.Join(ca.dir, "web.yaml")
	for text, says := range map[string]string{
		"tls_server_config: {cert_file: nosuch.crt, key_file: server.key}": "nosuch.crt",
		"tls_server_config: {cert_file: server.crt}":                       "key",
		"tls_server_config: {cert_file: ca.crt, key_file: server.key}":     "private key",
		"basic_auth_users: {prometheus: not-a-hash}":                       "bcrypt",
		"tls_server_conf: {}": "tls_server_conf",
		"tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt}\n": "Client Auth",
	} {
		writeFile(t, file, text)
		log := &logBuffer{}
		code := Program{Name: "lag-exporter"}.Main(t.Context(), []string{"--brokers=127.0.0.1:1", "--web.listen-address=127.0.0.1:0", "--web.config.file=" + file}, io.Discard, log)
		for _, part := range []string{"--web.config.file", file, says} {
			if !strings.Contains(log.String(), part) || code != exitFailed {
				t.Errorf("%s: exit code %d, and nothing of %q in\n%s", text, code, part, log)
			}
		}
	}
}
