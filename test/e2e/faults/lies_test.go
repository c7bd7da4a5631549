package faults

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/lies"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/watch"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// told is a lie, what it is told about, and the rule that it breaks.
type told struct {
	lie    lies.Lie
	api    bool
	breaks check.Rule
	liar   *watch.Watch
	log    *check.Log
}

func allLies() map[string]*told {
	return map[string]*told{
		"ends before commits":       {lie: &lies.EndsBeforeCommits{Gap: shared.poll}, breaks: check.Value},
		"unknown as zero":           {lie: &lies.UnknownAsZero{}, breaks: check.Value},
		"old as new":                {lie: &lies.OldAsNew{Gap: 5 * time.Second}, breaks: check.Value},
		"a partition less in a sum": {lie: lies.PartialSum{}, breaks: check.Adding},
		"a ghost pod":               {lie: lies.GhostPod{}, api: true, breaks: check.Ghost},
		"an old answer as new":      {lie: &lies.OldAnswers{Gap: 5 * time.Second}, api: true, breaks: check.Value},
		"an answer of a part":       {lie: lies.LessThanAll{}, api: true, breaks: check.Value},
	}
}

// TestLies shows that a product that lied would not pass: its answers are rewritten on their way to the checker, in each of the ways
// that software of this kind is known for, and each lie is noticed. The product itself is watched at the same time, and passes.
func TestLies(t *testing.T) {
	ctx := suite.Within(t, 3*time.Minute)
	all := allLies()
	defer func() {
		for _, l := range all {
			if l.liar != nil {
				_, _ = l.liar.Stop() // after a failure; else it has stopped
			}
		}
	}()
	seen := shared.watching(ctx, t, shared.targets(), func(ctx context.Context) error {
		for _, l := range all {
			targets, err := lying(l.lie, l.api)
			if err != nil {
				return err
			}
			l.liar = watch.Start(targets)
		}
		const beyond = "beyond" // half of this group cannot be known: it has committed what there is not
		p := &plan{ctx: ctx, w: shared}
		p.topic(beyond, 2, 20)
		p.commit(beyond, beyond, 2, 3)
		p.settle(beyond, true)
		p.commit(beyond, beyond, 1, 1000)
		p.settle(beyond, false)
		p.elapse(shared.maxAge + 6*time.Second) // after which nothing of before may count
		for _, l := range all {
			p.try(func() (err error) { l.log, err = l.liar.Stop(); return err }) // while the truth is still recorded
		}
		return p.err
	})
	for name, l := range all {
		wrong, judged, _ := check.Judge(l.log, seen.truth, shared.rules())
		found := map[check.Rule]int{}
		for _, v := range wrong {
			found[v.Rule]++
		}
		t.Logf("%s: %v of %d claims", name, found, judged)
		if found[l.breaks] == 0 {
			t.Errorf("%s: not noticed by the rule %q", name, l.breaks)
		}
	}
	wrong, judged, unjudged := check.Judge(seen.log, seen.truth, shared.rules())
	complain(t, wrong) // of the product itself
	t.Logf("the product itself: %d claims, and those that cannot be judged: %v", judged, unjudged)
}

// lying are targets with a lie between them and the checker.
func lying(lie lies.Lie, api bool) (watch.Targets, error) {
	all := shared.targets()
	if !api {
		return watch.Targets{
			Metrics: map[string]string{"sidecar": all.Metrics["sidecar"]}, Transport: lies.Transport(http.DefaultTransport, lie),
		}, nil
	}
	client, err := watch.Lying(shared.ControlPlane.REST, func(base http.RoundTripper) http.RoundTripper { return lies.Transport(base, lie) })
	all.Metrics, all.Ready, all.API = nil, nil, client
	return all, err
}

// shows wants /metrics of the sidecar to have a sum of a group, or not to have one.
func (w *world) shows(ctx context.Context, group string, wanted bool) error {
	return w.showsOn(ctx, w.sidecar.URL(), group, "", wanted)
}

// showsOn is the same of any source and of one topic, or of any if it is empty.
func (w *world) showsOn(ctx context.Context, url, group, topic string, wanted bool) error {
	at := time.Now()
	body, err := fetch(ctx, url+"/metrics")
	if err != nil {
		return err
	}
	l, shown := check.NewLog(), false
	if err := l.Exposition(url, at, body); err != nil {
		return err
	}
	for _, s := range l.Series {
		shown = shown || s.Kind == check.Sum && s.Group == group && (topic == "" || s.Topic == topic)
	}
	if shown != wanted {
		return errors.New("the sum is shown, or is not")
	}
	return nil
}
