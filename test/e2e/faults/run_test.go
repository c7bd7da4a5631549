package faults

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/watch"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/record"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// watched is what was seen while something happened, and what was true.
type watched struct {
	log         *check.Log
	truth       check.Truth
	began, over time.Time            // of what happened
	before      map[string]float64   // what the proxied replica held
	available   map[string]time.Time // since when each APIService is what it was then
	audited     int64                // how long the audit log was then
}

// watching records the truth and watches the product from some polls before do until some polls after all is known again.
func (w *world) watching(ctx context.Context, t *testing.T, targets watch.Targets, do func(context.Context) error) watched {
	t.Helper()
	suite.Try(t, await.Until(ctx, "all to be known before the fault", w.known))
	recorder, err := record.Start(record.Config{Libs: w.where.KafkaLibs(), Dir: filepath.Join(w.Dir, t.Name()), Bootstrap: w.Kafka.Bootstrap()})
	suite.Try(t, err)
	stopped := false
	defer func() {
		if !stopped {
			suite.Try(t, recorder.Kill())
		}
	}()
	suite.Try(t, recorder.Await(ctx))
	suite.Try(t, elapse(ctx, 2*w.poll+3*time.Second)) // the truth reaches back by a poll and more, from what was read a poll ago
	looking := watch.Start(targets)
	defer looking.Stop() //nolint:errcheck // a second stop does nothing
	suite.Try(t, elapse(ctx, w.poll+time.Second))
	open, err := w.open(ctx)
	suite.Try(t, err)
	seen := watched{before: open}
	seen.available, err = watch.Transitions(ctx, w.ControlPlane.Client)
	suite.Try(t, err)
	seen.audited, err = w.ControlPlane.AuditSize()
	suite.Try(t, err)
	w.scene, seen.began = scene{}, time.Now()
	err = do(ctx)
	seen.over = time.Now()
	suite.Try(t, err)
	suite.Try(t, await.Until(ctx, "all to be known after the fault", w.known))
	suite.Try(t, elapse(ctx, w.poll+3*time.Second))
	seen.log, err = looking.Stop()
	suite.Try(t, err)
	suite.Try(t, elapse(ctx, w.poll+3*time.Second)) // and forth
	stopped = true
	truth, err := recorder.Stop(ctx)
	suite.Try(t, err)
	t.Logf("the record has %d answers, %d of which are failures", truth.Answers, truth.Failures)
	seen.truth = check.Held{Truth: truth, AtLeast: map[string]int64{load.Steady: load.SteadyLag}}
	return seen
}

// open is what the proxied replica has open.
func (w *world) open(ctx context.Context) (map[string]float64, error) {
	body, err := fetch(ctx, w.replicas.All[proxiedReplica].WebURL+"/metrics")
	if err != nil {
		return nil, err
	}
	now, err := series.Parse(string(body))
	return map[string]float64{
		"go_goroutines": now[series.Name("go_goroutines")], "process_open_fds": now[series.Name("process_open_fds")],
	}, err
}

// elapse lets time pass in which things are watched.
func elapse(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// known says whether every source has the sum of every group that commits, each read within three polls.
func (w *world) known(ctx context.Context) error {
	var errs []error
	for source, url := range w.urls() {
		errs = append(errs, w.knows(ctx, source, url))
	}
	return errors.Join(append(errs, w.holds(ctx), watch.Available(ctx, w.ControlPlane.Client))...)
}

// enough says whether the HPA controller leaves so many replicas for load.HeldLag as they are: it does within a tenth, so that where it
// stops depends on the way there. held says of an HPA that it scales by such a lag: it never wants another number.
func enough(replicas int32) bool {
	lag, target := int64(load.HeldLag), int64(replicas)*load.Target
	return target*9 <= lag*10 && lag*10 <= target*11
}

func held(hpa string) bool { return strings.HasSuffix(hpa, "-0") }

// holds says whether the HPAs of groups whose lag stays as it is want what it takes.
func (w *world) holds(ctx context.Context) error {
	list, err := w.ControlPlane.Client.AutoscalingV2().HorizontalPodAutoscalers(load.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, hpa := range list.Items {
		if held(hpa.Name) && !enough(hpa.Status.DesiredReplicas) {
			return fmt.Errorf("%s wants %d replicas for a lag of %d", hpa.Name, hpa.Status.DesiredReplicas, load.HeldLag)
		}
	}
	return nil
}

func (w *world) knows(ctx context.Context, source, url string) error {
	at := time.Now()
	body, err := fetch(ctx, url+"/metrics")
	if err != nil {
		return err
	}
	l := check.NewLog()
	if err := l.Exposition(source, at, body); err != nil {
		return err
	}
	fresh := map[string]bool{}
	for _, c := range l.Claims {
		if s := l.Series[c.Series]; s.Kind == check.Sum && at.Sub(c.ReadAt) < 3*w.poll+time.Second {
			fresh[s.Group] = true
		}
	}
	for _, group := range w.load.Groups() {
		if !fresh[group] {
			return fmt.Errorf("%s: the sum of %s is not known, or old", source, group)
		}
	}
	return nil
}
