package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// drainTimeout bounds how long requests under way may take once the server is told to stop.
const drainTimeout = 5 * time.Second

// webServer is the plain HTTP server of /metrics and the health checks.
type webServer struct {
	listener net.Listener
	server   *http.Server
}

// newWebServer opens the port; Run serves it.
func newWebServer(address string, handler http.Handler, logger *slog.Logger) (*webServer, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--web.listen-address: cannot listen on %q: %w", address, err)
	}
	return &webServer{listener: listener, server: &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // strangers' broken connections
	}}, nil
}

func (w *webServer) addr() string { return w.listener.Addr().String() }

// close gives the port back without serving.
func (w *webServer) close() { _ = w.listener.Close() }

// Run serves until the context ends and then lets requests under way finish.
func (w *webServer) Run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- w.server.Serve(w.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving /metrics: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := w.server.Shutdown(drain); err != nil {
		return errors.Join(fmt.Errorf("requests of /metrics under way did not end in %s: %w", drainTimeout, err), w.server.Close())
	}
	return nil
}

// webHandler routes the paths. live and ready answer for the program; Kafka's health plays no part in either.
func webHandler(metrics http.Handler, live func() error, ready func() bool, reload http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/-/reload", reload)
	mux.Handle("/metrics", metrics)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		if err := live(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready() {
			http.Error(w, "shutting down", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintln(w, `<!doctype html><title>kafka-lag-adapter</title><h1>kafka-lag-adapter</h1>`+
			`<ul><li><a href="/metrics">/metrics</a></li><li><a href="/livez">/livez</a></li><li><a href="/readyz">/readyz</a></li></ul>`)
	})
	return mux
}
