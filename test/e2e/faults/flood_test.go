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

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/apart"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/flood"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/timed"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/watch"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
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

// What runs in processes of its own, see package apart.
const partFlood, partTimed = "flood", "timed"

// flooded is what was seen of a flood.
type flooded struct {
	quiet, during timed.Answers // to requests like the HPA controller's
	polls         map[string]float64
	answers       flood.Answers
}

// overrun has a tenant, somebody without rights and nobody ask for all that can be asked for, by the aggregation layer and at a replica
// itself, while requests like the HPA controller's are timed.
func overrun(ctx context.Context, w *world, lasts time.Duration) (err error) {
	shares, err := w.shareOut()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shares.Close()) }()
	clients, err := w.crowd(ctx)
	if err != nil {
		return err
	}
	ways, err := w.likeHPAs()
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
	if seen.quiet, err = w.asking(ctx, shares, ways, lasts/2); err != nil {
		return err
	}
	quiet, from := time.Since(before), time.Now()
	duringFrom, err := w.polls(ctx)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		var err error
		cfg := flood.Config{Clients: clients, PerSecond: floodRate, Lasts: lasts}
		seen.answers, err = apart.Run[flood.Answers](ctx, partFlood, cfg, shares[partFlood], filepath.Join(w.Dir, "flood"))
		done <- err
	}()
	var failed error
	seen.during, failed = w.asking(ctx, shares, ways, lasts)
	during := time.Since(from)
	duringTo, bad := w.polls(ctx)
	seen.polls = map[string]float64{}
	for lane := range duringTo {
		seen.polls[lane+" before"] = (duringFrom[lane] - quietFrom[lane]) / quiet.Seconds()
		seen.polls[lane+" during"] = (duringTo[lane] - duringFrom[lane]) / during.Seconds()
	}
	return errors.Join(failed, bad, <-done)
}

// What the HPA controller asks for. The flood is the API server's as much as the adapter's, and the machine's: how long the API server takes
// for an answer of its own is what an answer of the metrics API cannot do without.
const (
	askAdapter    = "HPAs' requests, at the adapter"
	askAggregated = "HPAs' requests, through the API server"
	askAPIServer  = "the API server's own answers to HPAs, for comparison"
)

// likeHPAs are the ways to ask as the HPA controller does. By a certificate, as that of the API server is, the adapter knows who asks without
// asking the API server.
func (w *world) likeHPAs() ([]timed.Way, error) {
	pair, err := w.ControlPlane.CA.Client("system:serviceaccount:kube-system:horizontal-pod-autoscaler", "system:serviceaccounts", "system:serviceaccounts:kube-system")
	if err != nil {
		return nil, err
	}
	servers, err := w.ways()
	if err != nil {
		return nil, err
	}
	var metrics, scales []string
	for _, s := range w.targets().Subjects {
		path, query := watch.Request(load.Namespace, load.Metric, s)
		metrics = append(metrics, path+"?"+query.Encode())
		scales = append(scales, fmt.Sprintf("/apis/apps/v1/namespaces/%s/deployments/%s/scale", load.Namespace, s.Group))
	}
	aggregated, straight := servers[0], servers[1]
	way := func(name string, to flood.Way, paths []string) timed.Way {
		return timed.Way{Name: name, To: to, Cert: pair.Cert, Key: pair.Key, Paths: paths}
	}
	return []timed.Way{way(askAdapter, straight, metrics), way(askAggregated, aggregated, metrics), way(askAPIServer, aggregated, scales)}, nil
}

// asking asks for what the HPAs ask for, of each kind ten times a second.
func (w *world) asking(ctx context.Context, shares shares, ways []timed.Way, lasts time.Duration) (timed.Answers, error) {
	return apart.Run[timed.Answers](ctx, partTimed, timed.Config{Ways: ways, Lasts: lasts}, shares[partTimed], filepath.Join(w.Dir, "asking"))
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

// hpasKept wants requests like the HPAs' to be answered, and soon; everybody else to be answered by what there is to say, or refused; and
// Kafka to be asked no more often than without a flood.
func hpasKept(t *testing.T, w *world, _ watched, _ check.Report) {
	t.Helper()
	seen := w.flooded
	for _, failed := range slices.Concat(seen.quiet.Failed, seen.during.Failed) {
		t.Errorf("a request like the HPAs': %s", failed)
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

// fewWait is about the time that requests like the HPAs' took.
func fewWait(t *testing.T, w *world, _ watched, _ check.Report) []goal {
	t.Helper()
	var goals []goal
	for _, what := range []string{askAdapter, askAggregated, askAPIServer} {
		quiet, during := quantile(w.flooded.quiet.Took[what]), quantile(w.flooded.during.Took[what])
		g := goal{what: what, measured: fmt.Sprintf("p99 %d ms, %d ms without a flood", during.Milliseconds(), quiet.Milliseconds()), met: true}
		if len(w.flooded.quiet.Took[what]) == 0 || len(w.flooded.during.Took[what]) == 0 {
			t.Errorf("%s: none was timed", what)
		}
		if what == askAdapter {
			g.wanted, g.met, g.timed = fmt.Sprintf("p99 ≤ %s", slowestAsk), during <= slowestAsk, true
		}
		goals = append(goals, g)
	}
	const late = "how late HPAs' requests were made, for want of CPU where they are, for comparison"
	quiet, during := quantile(w.flooded.quiet.Late), quantile(w.flooded.during.Late)
	return append(goals, goal{what: late, measured: fmt.Sprintf("p99 %d ms, %d ms without a flood", during.Milliseconds(), quiet.Milliseconds()), met: true})
}

// quantile is the 99th of a hundred.
func quantile(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}
