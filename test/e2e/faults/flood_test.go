package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/flood"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/page"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/watch"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// The flood: so many clients ask so often, all together. Two slow cores are to hold the brokers, the control plane and the product beside
// them.
const (
	floodClients = 200
	floodRate    = 150 // requests a second
	slowestAsk   = 100 * time.Millisecond
	floodShort   = 20 * time.Second
	floodLong    = 3 * time.Minute
)

func (w *world) floodLasts() time.Duration {
	if w.full {
		return floodLong
	}
	return floodShort
}

// flooded is what was seen of a flood.
type flooded struct {
	quiet, during []time.Duration // how long requests like the HPAs' took, in order
	failed        []error         // of those
	polls         map[string]float64
	answers       flood.Answers
}

// overrun has a tenant, somebody without rights and nobody ask for all that can be asked for, by the aggregation layer and at a replica
// itself, while requests like the HPA controller's are timed.
func overrun(ctx context.Context, w *world, lasts time.Duration) error {
	clients, err := w.crowd(ctx)
	if err != nil {
		return err
	}
	hpa, err := w.hpaClient(ctx)
	if err != nil {
		return err
	}
	seen := &flooded{}
	w.flooded = seen
	before := time.Now()
	quietFrom, err := w.polls(ctx)
	if err != nil {
		return err
	}
	w.asking(hpa, lasts/2, func(took time.Duration, err error) {
		seen.quiet, seen.failed = append(seen.quiet, took), failure(seen.failed, err)
	})
	quiet, from := time.Since(before), time.Now()
	duringFrom, err := w.polls(ctx)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		var err error
		seen.answers, err = flood.Run(ctx, flood.Config{Clients: clients, PerSecond: floodRate, Lasts: lasts}, filepath.Join(w.Dir, "flood"))
		done <- err
	}()
	w.asking(hpa, lasts, func(took time.Duration, err error) {
		seen.during, seen.failed = append(seen.during, took), failure(seen.failed, err)
	})
	during := time.Since(from)
	duringTo, err := w.polls(ctx)
	seen.polls = map[string]float64{}
	for lane := range duringTo {
		seen.polls[lane+" before"] = (duringFrom[lane] - quietFrom[lane]) / quiet.Seconds()
		seen.polls[lane+" during"] = (duringTo[lane] - duringFrom[lane]) / during.Seconds()
	}
	return errors.Join(err, <-done)
}

func failure(all []error, err error) []error {
	if err == nil {
		return all
	}
	return append(all, err)
}

// asking asks for what the HPAs ask for, one after the other and ten times a second, as their controller.
func (w *world) asking(client kubernetes.Interface, lasts time.Duration, took func(time.Duration, error)) {
	subjects := w.targets().Subjects
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for began, i := time.Now(), 0; time.Since(began) < lasts; i++ {
		at := time.Now()
		_, err := watch.Ask(context.Background(), client, load.Namespace, load.Metric, subjects[i%len(subjects)])
		took(time.Since(at), err)
		<-tick.C
	}
}

// polls counts the polls that both replicas have made, by lane.
func (w *world) polls(ctx context.Context) (map[string]float64, error) {
	counts := map[string]float64{}
	for _, a := range w.replicas.All {
		body, err := fetch(ctx, a.WebURL+"/metrics")
		if err != nil {
			return nil, err
		}
		now, err := series.Parse(string(body))
		if err != nil {
			return nil, err
		}
		for name, value := range now {
			if strings.HasPrefix(name, "kafka_lag_collector_poll_duration_seconds_count") {
				counts[name] += value
			}
		}
	}
	return counts, nil
}

// hpaClient has the rights of the HPA controller, and its name.
func (w *world) hpaClient(ctx context.Context) (kubernetes.Interface, error) {
	path, err := w.ControlPlane.KubeconfigFor(ctx, "kube-system", "horizontal-pod-autoscaler")
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return kubernetes.NewForConfig(config)
}

// hpasKept wants requests like the HPAs' to be answered, and soon; everybody else to be answered by what there is to say, or refused; and
// Kafka to be asked no more often than without a flood.
func hpasKept(t *testing.T, w *world, _ watched, _ check.Report) {
	t.Helper()
	seen := w.flooded
	for _, err := range seen.failed {
		t.Errorf("a request like the HPAs': %v", err)
	}
	quiet, during := quantile(seen.quiet), quantile(seen.during)
	suite.Try(t, page.Measures(w.where.Root, []page.Measure{{
		Row: 24, What: "requests like the HPAs'", Goal: "p99 ≤ " + slowestAsk.String(),
		Measured: fmt.Sprintf("p99 %d ms, %d ms without a flood", during.Milliseconds(), quiet.Milliseconds()),
	}}))
	t.Logf("p99 of %d requests like the HPAs': %s; without a flood, of %d: %s", len(seen.during), during, len(seen.quiet), quiet)
	if w.full && during > slowestAsk { // smaller runs say nothing of time
		t.Errorf("p99 of requests like the HPAs' is %s during the flood, more than %s; without it, it is %s", during, slowestAsk, quiet)
	}
	for _, lane := range slices.Sorted(maps.Keys(seen.polls)) {
		t.Logf("polls a second: %s: %.2f", lane, seen.polls[lane])
		if before, ok := strings.CutSuffix(lane, " during"); ok && seen.polls[lane] > 1.2*seen.polls[before+" before"]+0.5 {
			t.Errorf("%s: %.2f polls a second during the flood, %.2f before it", before, seen.polls[lane], seen.polls[before+" before"])
		}
	}
	total := 0
	for _, what := range slices.Sorted(maps.Keys(seen.answers)) {
		t.Logf("%s: %v", what, seen.answers[what])
		for result, n := range seen.answers[what] {
			total += n
			if !slices.Contains(expected(what), result) {
				t.Errorf("%s: %d times %s", what, n, result)
			}
		}
	}
	if least := int(floodRate * w.floodLasts().Seconds() / 4); total < least {
		t.Errorf("a flood of only %d requests, less than %d", total, least)
	}
}

// expected are the right answers. 431 and a refusal of the client's own library are for headers of a megabyte.
func expected(what string) []string {
	const tooLarge = "http2: request header list larger than peer's advertised limit"
	switch {
	case strings.HasSuffix(what, "1 MB"):
		return []string{"400", "401", "403", "414", "429", "431", tooLarge}
	case strings.HasSuffix(what, "10,000 terms"):
		return []string{"400", "401", "403", "429"}
	case !strings.HasPrefix(what, "tenant"):
		return []string{"401", "403", "429", "400"}
	case strings.HasSuffix(what, "values"):
		return []string{"200", "429", "503"}
	}
	return []string{"400", "404", "429"}
}

// quantile is the 99th of a hundred.
func quantile(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}
