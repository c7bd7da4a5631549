package faults

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
)

// reloads is row 27: the configuration file of both replicas is spoilt in one way after the other, they are made to load it in every way,
// and it is good again in between.
type reloads struct {
	refused int // so many files so far
}

func reloadsRow() row {
	r := &reloads{}
	return row{number: 27, name: "bad-configurations", short: 20 * time.Second, long: 2 * time.Minute, fault: r.fault, further: r.further}
}

// The series that tell of a reload.
const (
	reloadWorked = "kafka_lag_config_last_reload_successful"
	reloadedAt   = "kafka_lag_config_last_reload_success_timestamp_seconds"
)

// trigger has a replica load its configuration.
type trigger func(ctx context.Context, a *stack.Adapter) error

func triggers() []trigger {
	return []trigger{
		func(context.Context, *stack.Adapter) error { return nil }, // it looks at the file
		func(_ context.Context, a *stack.Adapter) error { return a.Process().Signal(syscall.SIGHUP) },
		func(ctx context.Context, a *stack.Adapter) error {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.WebURL+"/-/reload", http.NoBody)
			if err != nil {
				return err
			}
			response, err := http.DefaultClient.Do(request)
			if err == nil {
				err = response.Body.Close() // its status is that of the series
			}
			return err
		},
	}
}

// spoilt are the contents of files that cannot count, made of the good one's; of one of them, nothing is left.
func spoilt(good []byte) [][]byte {
	all := [][]byte{{0xff, 0xfe, 0, 1, 2, 3, 0x80}, nil}
	for _, line := range []string{
		"{:", "max-gruops: 1", "max-partitions: -1",
		"shutdown-delay-duration: 4s", // counts at the start only
		"kafka: {sasl: {mechanism: PLAIN, username: a, password-file: /nowhere}}",
	} {
		all = append(all, append(append([]byte(nil), good...), "\n"+line+"\n"...))
	}
	return all
}

func (r *reloads) fault(ctx context.Context, w *world, lasts time.Duration) (err error) {
	path := filepath.Join(w.Dir, stack.ConfigFile)
	good, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, replace(path, good)) }()
	bad, pulls := spoilt(good), triggers()
	for began := time.Now(); r.refused < len(bad) || time.Since(began) < lasts; r.refused++ {
		i, pull := r.refused%len(bad), pulls[(r.refused+r.refused/len(bad))%len(pulls)] // in the end, all by all
		if err := errors.Join(r.spoil(ctx, w, path, bad[i], pull), elapse(ctx, w.poll)); err != nil {
			return fmt.Errorf("bad file %d: %w", i, err)
		}
		if err := errors.Join(replace(path, good), w.reloaded(ctx, pull, 1)); err != nil {
			return fmt.Errorf("good again after bad file %d: %w", i, err)
		}
	}
	return nil
}

// spoil has the replicas refuse a file, which must not change what they say of the last good one.
func (r *reloads) spoil(ctx context.Context, w *world, path string, text []byte, pull trigger) error {
	before, err := w.each(ctx, reloadedAt)
	if err != nil {
		return err
	}
	if text == nil {
		err = os.Remove(path)
	} else {
		err = replace(path, text)
	}
	if err := errors.Join(err, w.reloaded(ctx, pull, 0)); err != nil {
		return err
	}
	after, err := w.each(ctx, reloadedAt)
	if err == nil && fmt.Sprint(after) != fmt.Sprint(before) {
		err = fmt.Errorf("%s is %v after a refusal, was %v", reloadedAt, after, before)
	}
	return err
}

// reloaded has all replicas load their configuration, and waits until each says whether it counts.
func (w *world) reloaded(ctx context.Context, pull trigger, counts float64) error {
	for i, a := range w.replicas.All {
		if err := pull(ctx, a); err != nil {
			return fmt.Errorf("%s: %w", replica(i), err)
		}
	}
	return await.Until(ctx, fmt.Sprintf("%s %v", reloadWorked, counts), func(ctx context.Context) error {
		now, err := w.each(ctx, reloadWorked)
		for i, value := range now {
			if value != counts {
				err = errors.Join(err, fmt.Errorf("%s says %v", replica(i), value))
			}
		}
		return err
	})
}

// each is the value of a series without labels of each replica.
func (w *world) each(ctx context.Context, name string) (values []float64, err error) {
	for _, a := range w.replicas.All {
		body, err := fetch(ctx, a.WebURL+"/metrics")
		if err != nil {
			return nil, err
		}
		now, err := series.Parse(string(body))
		if err != nil {
			return nil, err
		}
		value, ok := now[series.Name(name)]
		if !ok {
			return nil, fmt.Errorf("%s has no %s", a.WebURL, name)
		}
		values = append(values, value)
	}
	return values, nil
}

// further wants nothing to have been noticed.
func (r *reloads) further(t *testing.T, w *world, _ watched, report check.Report) {
	t.Helper()
	t.Logf("%d bad files were refused", r.refused)
	if report.Darkest.Duration > w.maxAge {
		t.Errorf("%s could not be had for %s", report.Darkest.Of, report.Darkest.Duration)
	}
}
