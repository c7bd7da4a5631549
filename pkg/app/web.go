package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
)

// drainTimeout bounds how long requests under way may take once the server is told to stop.
const drainTimeout = 5 * time.Second

// web is what is served apart from an extension's ports.
type web []*webServer

// newWeb opens the ports; Run serves them.
func newWeb(cfg config.Config, metrics, reload http.Handler, live func() error, ready func() bool, logger *slog.Logger) (web, error) {
	main, err := newWebServer("--web.listen-address", cfg.ListenAddress, cfg.WebConfigFile, webHandler(metrics, reload, live, ready), logger)
	if err != nil {
		return nil, err
	}
	if cfg.HealthAddress == "" {
		return web{main}, nil
	}
	health, err := newWebServer("--web.health-address", cfg.HealthAddress, "", healthHandler(live, ready), logger)
	if err != nil {
		main.close()
		return nil, err
	}
	return web{main, health}, nil
}

// metrics is where /metrics is: a URL, or only the rest of it where the toolkit's file decides on the scheme.
func (w web) metrics() string {
	path := w[0].listener.Addr().String() + "/metrics"
	if *w[0].flags.WebConfigFile == "" {
		return "http://" + path
	}
	return path
}

// close gives the ports back without serving.
func (w web) close() {
	for _, server := range w {
		server.close()
	}
}

// Run serves until the context ends or one of the ports fails.
func (w web) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, server := range w {
		group.Go(func() error { return server.run(ctx) })
	}
	return group.Wait()
}

// webServer is the HTTP server of /metrics and the health checks.
type webServer struct {
	setting  string // that says where it listens
	listener net.Listener
	server   *http.Server
	flags    toolkit.FlagConfig // say whether there is TLS or a password before it
	logger   *slog.Logger
}

// newWebServer opens the port that the setting names; Run serves it. configFile, if it is not empty, is exporter-toolkit's.
func newWebServer(setting, address, configFile string, handler http.Handler, logger *slog.Logger) (*webServer, error) {
	if err := toolkit.Validate(configFile); err != nil {
		return nil, fmt.Errorf("--web.config.file: %s: %w", configFile, err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot listen on %q: %w", setting, address, err)
	}
	return &webServer{setting: setting, listener: listener, flags: toolkit.FlagConfig{WebConfigFile: &configFile}, logger: logger, server: &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(ServerLog{logger.Handler()}, slog.LevelDebug),
	}}, nil
}

func (w *webServer) serve() error {
	if *w.flags.WebConfigFile == "" {
		return w.server.Serve(w.listener)
	}
	return toolkit.Serve(w.listener, w.server, &w.flags, w.logger)
}

// close gives the port back without serving.
func (w *webServer) close() { _ = w.listener.Close() }

// run serves until the context ends and then lets requests under way finish.
func (w *webServer) run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- w.serve() }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving %s: %w", w.setting, err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := w.server.Shutdown(drain); err != nil {
		return errors.Join(fmt.Errorf("requests of %s under way did not end in %s: %w", w.setting, drainTimeout, err), w.server.Close())
	}
	return nil
}

// webHandler routes the paths. live and ready answer for the program; Kafka's health plays no part in either.
func webHandler(metrics, reload http.Handler, live func() error, ready func() bool) http.Handler {
	mux := healthHandler(live, ready)
	mux.Handle("/-/reload", reload)
	mux.Handle("/metrics", metrics)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintln(w, `<!doctype html><title>kafka-lag-adapter</title><h1>kafka-lag-adapter</h1>`+
			`<ul><li><a href="/metrics">/metrics</a></li><li><a href="/livez">/livez</a></li><li><a href="/readyz">/readyz</a></li></ul>`)
	})
	return mux
}

// healthHandler routes the paths of probes.
func healthHandler(live func() error, ready func() bool) *http.ServeMux {
	mux := http.NewServeMux()
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
	return mux
}
