package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"
)

// lookEvery is how often the configuration file is looked at. A change counts after the second look that finds it.
const lookEvery = time.Second

// reloader loads the configuration again when its file changes, on SIGHUP, and when asked to by a request, and has it applied. Triggers
// that come while it does so are served by one more reload.
type reloader struct {
	load    func() (Loaded, error)
	apply   func(Loaded) error
	watch   fileWatch
	every   time.Duration // between two looks of watch
	hangup  <-chan os.Signal
	metrics *reloadMetrics
	logger  *slog.Logger

	requests chan chan error // each gets the outcome of a reload that began after it
	ended    chan struct{}   // closed when no more are taken
}

// Run reloads until the context ends.
func (r *reloader) Run(ctx context.Context) error {
	defer close(r.ended)
	looks := time.NewTicker(r.every)
	defer looks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-looks.C:
			if r.watch.look() {
				_ = r.reload("file") // which logs its outcome
			}
		case <-r.hangup:
			r.watch.know()
			_ = r.reload("SIGHUP")
		case outcome := <-r.requests:
			waiting := append(r.waiting(), outcome)
			r.watch.know()
			err := r.reload("request")
			for _, outcome := range waiting {
				outcome <- err
			}
		}
	}
}

// waiting returns the requests that have come by now besides.
func (r *reloader) waiting() (all []chan error) {
	for {
		select {
		case outcome := <-r.requests:
			all = append(all, outcome)
		default:
			return all
		}
	}
}

// reload applies the configuration as it is now. If it cannot be, the one before goes on to count. It logs either.
func (r *reloader) reload(trigger string) error {
	next, err := r.load()
	if err == nil {
		err = r.apply(next)
	}
	if err != nil {
		r.metrics.failed()
		r.logger.Error("the configuration was not reloaded; the one before goes on to count", "trigger", trigger, "err", err)
		return err
	}
	r.metrics.succeeded(next.Config.Hash())
	r.logger.Info("the configuration was reloaded", "trigger", trigger, "config_hash", next.Config.Hash(), "clusters", names(next.Config.Clusters))
	return nil
}

var errEnding = errors.New("the program is about to end")

// request has the configuration reloaded and returns the outcome.
func (r *reloader) request(ctx context.Context) error {
	outcome := make(chan error, 1)
	select {
	case r.requests <- outcome:
		return <-outcome
	case <-r.ended:
		return errEnding
	case <-ctx.Done():
		return ctx.Err()
	}
}

// handler answers requests to reload, or refuses them.
func (r *reloader) handler(enabled bool) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		switch {
		case !enabled:
			http.Error(w, "reloading by a request is off; --web.enable-lifecycle turns it on", http.StatusForbidden)
		case req.Method != http.MethodPost && req.Method != http.MethodPut:
			w.Header().Set("Allow", "POST, PUT")
			http.Error(w, "the configuration is reloaded by POST", http.StatusMethodNotAllowed)
		default:
			if err := r.request(req.Context()); err != nil {
				http.Error(w, fmt.Sprintf("the configuration was not reloaded; the one before goes on to count:\n%v", err), http.StatusInternalServerError)
				return
			}
			_, _ = fmt.Fprintln(w, "reloaded")
		}
	}
}
