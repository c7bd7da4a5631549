package exporter

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Source gives the latest snapshot of each cluster. It must not wait, as scrapes wait for it.
type Source interface {
	Snapshots() []*lag.Snapshot
}

// Handler answers scrapes.
type Handler struct {
	cache cache
	live  live
}

var _ http.Handler = (*Handler)(nil)

// New returns a handler that serves the snapshots of source, without what is older than maxAge, followed by the program's own
// metrics from gatherer. Samples are labelled with their cluster if source has more than one.
func New(source Source, gatherer prometheus.Gatherer, maxAge time.Duration, logger *slog.Logger, options ...Option) *Handler {
	h := &Handler{
		cache: cache{source: source, maxAge: maxAge, now: time.Now, expositions: map[variant]*exposition{}},
		live:  live{gatherer: gatherer, taken: map[string]bool{}, logger: logger},
	}
	ours := kafkaExporter()
	ours.families = append(ours.families, own()...)
	h.add(ours)
	for _, option := range options {
		option(h)
	}
	return h
}

func (h *Handler) add(d dialect) {
	h.cache.dialects = append(h.cache.dialects, d)
	for i := range d.families {
		h.live.taken[d.families[i].name] = true
	}
}

// LabelClusters is the [Option] by which samples are labelled with their cluster also while there is only one.
func LabelClusters(h *Handler) { h.cache.labelled = true }

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "metrics can only be read: use GET", http.StatusMethodNotAllowed)
		return
	}
	v := negotiate(r.Header)
	snapshots := h.cache.get(v)
	rest := h.live.render(v.format)
	header := w.Header()
	if v.gzip {
		rest = finish(rest, snapshots.checksum)
		header.Set("Content-Encoding", "gzip")
	}
	length := len(rest)
	for _, chunk := range snapshots.chunks {
		length += len(chunk)
	}
	header.Set("Content-Type", string(v.format.encoding()))
	header.Set("Content-Length", strconv.Itoa(length))
	header.Add("Vary", "Accept, Accept-Encoding")
	if r.Method == http.MethodHead {
		return
	}
	for _, chunk := range append(slices.Clip(snapshots.chunks), rest) {
		if _, err := w.Write(chunk); err != nil {
			return // the client is gone, nobody is left to tell
		}
	}
}
