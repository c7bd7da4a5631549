package kinds

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
)

// sampleInterval is how often a watch looks: several times for each poll.
const sampleInterval = 100 * time.Millisecond

// sample is one look at /metrics.
type sample struct {
	at time.Time // the answer had come
	series.Set
}

// readAt is when a group was last read, by the sample; zero if it never was.
func (s sample) readAt(group string) time.Time {
	seconds, ok := s.Set[series.Name("kafka_consumergroup_read_timestamp_seconds", "consumergroup", group)]
	if !ok {
		return time.Time{}
	}
	return time.UnixMilli(int64(seconds * 1000))
}

// lag is what the sample says of a row.
func (s sample) lag(r row) (lag float64, ok bool) {
	lag, ok = s.Set[series.Name("kafka_consumergroup_lag", r.labels()...)]
	return lag, ok
}

// watch looks at /metrics until the returned function is called, which returns all that it saw. A look that fails is an error:
// whatever happens to Kafka, /metrics answers.
func watch(ctx context.Context, t *testing.T, e *exporter.Exporter) (stop func() []sample) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	var samples []sample
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(sampleInterval)
		defer tick.Stop()
		for {
			got, err := e.Scrape(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				t.Error(err)
			}
			samples = append(samples, sample{time.Now(), got})
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	stop = func() []sample {
		cancel()
		done.Wait()
		return samples
	}
	t.Cleanup(func() { stop() })
	return stop
}

// epoch is a time during which the lags were these: it begins when the step to it begins, and ends when the step that follows it
// is seen to be done, so that both are true meanwhile.
type epoch struct {
	name        string
	from, until time.Time
	lags        map[row]int64
}

// check wants each lag in the samples to have been true at some time since two polls before its group was read.
func check(t *testing.T, samples []sample, rows []row, epochs []epoch) {
	t.Helper()
	seen := map[string]int{}
	for _, s := range samples {
		for _, r := range rows {
			lag, ok := s.lag(r)
			if !ok {
				continue
			}
			since := s.readAt(r.group).Add(-2 * pollInterval)
			was := ""
			for _, e := range epochs {
				if v, known := e.lags[r]; known && float64(v) == lag && e.from.Before(s.at) && !e.until.Before(since) {
					was = e.name
				}
			}
			if was == "" {
				t.Errorf("%s: a lag of %v of %v, read at %s, which was never true since then", s.at.Format(time.StampMilli), lag, r,
					s.readAt(r.group).Format(time.StampMilli))
			}
			seen[was]++
		}
	}
	t.Logf("%d samples, with lags of %v", len(samples), seen)
}
