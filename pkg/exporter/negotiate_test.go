package exporter

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

func TestNegotiation(t *testing.T) {
	const (
		textType        = "text/plain; version=0.0.4; charset=utf-8"
		openMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8"
	)
	for _, test := range []struct{ name, accept, want string }{
		{"nothing asked for", "", textType},
		{"Prometheus 3", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5," +
			"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", openMetricsType},
		{"Prometheus 3 with native histograms", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," +
			"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", openMetricsType},
		{"Prometheus 2.5", "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", textType},
		{"curl", "*/*", textType},
		{"a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", textType},
		{"OpenMetrics of any version", "application/openmetrics-text", openMetricsType},
		{"text preferred", "text/plain, application/openmetrics-text;q=0.9", textType},
		{"OpenMetrics refused", "application/openmetrics-text;q=0, */*", textType},
		{"only what is not offered", "application/vnd.google.protobuf", textType},
		{"nonsense", ";;;,a/b/c;q=x,text/plain;q=zero, =", textType},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, _ := newHandler(ownMetrics(), &bytes.Buffer{}, compute(observe("default", t0)))
			w := get(t, h, "Accept", test.accept)
			if got := w.Header().Get("Content-Type"); got != test.want {
				t.Errorf("Content-Type %q, want %q", got, test.want)
			}
			if ends := bytes.HasSuffix(w.Body.Bytes(), []byte("\n# EOF\n")); ends != (test.want == openMetricsType) {
				t.Errorf("ends with # EOF: %t", ends)
			}
			if n := bytes.Count(w.Body.Bytes(), []byte("# EOF")); n > 1 {
				t.Errorf("%d times # EOF", n)
			}
			if got := w.Header().Get("Vary"); got != "Accept, Accept-Encoding" {
				t.Errorf("Vary %q", got)
			}
		})
	}
}

func TestAcceptsGzip(t *testing.T) {
	for encoding, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "deflate, gzip;q=1.0, *;q=0.5": true, "gzip;q=0": false, "gzip;q=0.000": false,
		"*": true, "*;q=0": false, "gzip;q=0, *": false, "identity": false, "br": false, "zstd, gzip;q=0.3": true,
		"identity;q=1, gzip;q=0.5": false, "identity;q=0.5, gzip": true, "identity;q=0, *": true, "gzip;q=x": false,
	} {
		if got := acceptsGzip(http.Header{"Accept-Encoding": {encoding}}); got != want {
			t.Errorf("%q: %t, want %t", encoding, got, want)
		}
	}
	if !acceptsGzip(http.Header{"Accept-Encoding": {"br", "gzip"}}) {
		t.Error("a header in two lines is not read")
	}
}

func TestMethods(t *testing.T) {
	h, _ := newHandler(ownMetrics(), &bytes.Buffer{}, compute(observe("default", t0)))
	server := httptest.NewServer(h)
	defer server.Close()
	do := func(method string) (status int, header http.Header) {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header
	}
	status, header := do(http.MethodHead)
	length, err := strconv.Atoi(header.Get("Content-Length"))
	if status != http.StatusOK || err != nil || length == 0 || header.Get("Content-Type") == "" {
		t.Errorf("HEAD: %d %v", status, header)
	}
	if status, header := do(http.MethodPost); status != http.StatusMethodNotAllowed || header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %v", status, header)
	}
}
