package exporter

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"strconv"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// gunzip decompresses a body that must be one gzip member and nothing else.
func gunzip(tb testing.TB, body []byte) []byte {
	tb.Helper()
	rest := bufio.NewReader(bytes.NewReader(body)) // an io.ByteReader is not read beyond the member
	r, err := gzip.NewReader(rest)
	if err != nil {
		tb.Fatal(err)
	}
	r.Multistream(false)
	text, err := io.ReadAll(r) // checks length and CRC of the trailer
	if err != nil {
		tb.Fatalf("not a gzip member: %v", err)
	}
	if _, err := rest.ReadByte(); err != io.EOF {
		tb.Fatalf("something follows the gzip member (%v)", err)
	}
	return text
}

func TestGzipIsOneMemberOfTheSameText(t *testing.T) {
	for _, test := range []struct {
		name, accept string
		own          prometheus.Gatherer
		snapshots    []*lag.Snapshot
	}{
		{"no snapshot", "", ownMetrics(), nil},
		{"one snapshot", "", ownMetrics(), []*lag.Snapshot{compute(observe("default", t0))}},
		{"OpenMetrics", acceptOpenMetrics, ownMetrics(), []*lag.Snapshot{compute(observe("default", t0))}},
		{"no own metrics", "", prometheus.NewRegistry(), []*lag.Snapshot{compute(observe("default", t0))}},
		{"nothing at all", "", prometheus.NewRegistry(), nil},
		{"many chunks", "", ownMetrics(), []*lag.Snapshot{large(40, 40, 50)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, _ := newHandler(test.own, &bytes.Buffer{}, test.snapshots...)
			want := get(t, h, "Accept", test.accept).Body.Bytes()
			for range 2 { // the second has a reused writer
				compressed := get(t, h, "Accept", test.accept, "Accept-Encoding", "gzip")
				if got := compressed.Header().Get("Content-Encoding"); got != "gzip" {
					t.Fatalf("Content-Encoding %q", got)
				}
				body := compressed.Body.Bytes()
				if got := compressed.Header().Get("Content-Length"); got != strconv.Itoa(len(body)) {
					t.Errorf("Content-Length %s of %d bytes", got, len(body))
				}
				if got := gunzip(t, body); !bytes.Equal(got, want) {
					t.Errorf("the text differs from that without compression:\n%s", got)
				}
				r, err := kgzip.NewReader(bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
					t.Errorf("another reader sees something else (%v)", err)
				}
			}
		})
	}
}
