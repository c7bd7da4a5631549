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

// TestLies shows that a product that lied would not pass: its answers are rewritten on their way to the checker, in each of the ways
// that software of this kind is known for, and each lie is noticed. The product itself is watched at the same time, and passes.
func TestLies(t *testing.T) {
	ctx := suite.Within(t, 3*time.Minute)
	const beyond = "beyond" // half of this group cannot be known: it has committed what there is not
	told := map[string]struct {
		lie  lies.Lie
		api  bool
		want check.Rule
	}{
		"ends before commits":       {&lies.EndsBeforeCommits{Gap: shared.poll}, false, check.Value},
		"unknown as zero":           {&lies.UnknownAsZero{}, false, check.Value},
		"old as new":                {&lies.OldAsNew{Gap: 5 * time.Second}, false, check.Value},
		"a partition less in a sum": {lies.PartialSum{}, false, check.Adding},
		"a ghost pod":               {lies.GhostPod{}, true, check.Ghost},
		"an old answer as new":      {&lies.OldAnswers{Gap: 5 * time.Second}, true, check.Value},
		"an answer of a part":       {lies.LessThanAll{}, true, check.Value},
	}
	liars := map[string]*watch.Watch{}
	defer func() {
		for _, liar := range liars {
			_, _ = liar.Stop() // after a failure
		}
	}()
	seen := shared.watching(ctx, t, shared.targets(), func(ctx context.Context) error {
		for name, c := range told {
			targets, err := lying(c.lie, c.api)
			if err != nil {
				return err
			}
			liars[name] = watch.Start(targets)
		}
		p := &plan{ctx: ctx, w: shared}
		p.topic(beyond, 2, 20)
		p.commit(beyond, beyond, 2, 3)
		p.settle(beyond, true)
		p.commit(beyond, beyond, 1, 1000)
		p.settle(beyond, false)
		p.elapse(15 * time.Second)
		return p.err
	})
	for name, c := range told {
		log, err := liars[name].Stop()
		suite.Try(t, err)
		wrong, judged, _ := check.Judge(log, seen.truth, shared.rules())
		found := map[check.Rule]int{}
		for _, v := range wrong {
			found[v.Rule]++
		}
		t.Logf("%s: %v of %d claims", name, found, judged)
		if found[c.want] == 0 {
			t.Errorf("%s: not noticed by the rule %q", name, c.want)
		}
	}
	clear(liars)
	wrong, judged, unjudged := check.Judge(seen.log, seen.truth, shared.rules())
	complain(t, wrong) // of the product itself
	t.Logf("the product itself: %d claims, and those that cannot be judged: %v", judged, unjudged)
}

// lying are targets with a lie between them and the checker.
func lying(lie lies.Lie, api bool) (watch.Targets, error) {
	all := shared.targets()
	if !api {
		return watch.Targets{
			Metrics: map[string]string{"sidecar": all.Metrics["sidecar"]}, Poll: all.Poll, Transport: lies.Transport(http.DefaultTransport, lie),
		}, nil
	}
	client, err := watch.Lying(shared.ControlPlane.REST, func(base http.RoundTripper) http.RoundTripper { return lies.Transport(base, lie) })
	all.Metrics, all.Ready, all.API = nil, nil, client
	return all, err
}

// shows wants /metrics of the sidecar to have the sum of a group on the topic of its name, or not to have it.
func (w *world) shows(ctx context.Context, group string, wanted bool) error {
	at := time.Now()
	body, err := fetch(ctx, w.sidecar.URL()+"/metrics")
	if err != nil {
		return err
	}
	l, shown := check.NewLog(), false
	if err := l.Exposition("sidecar", at, body, w.poll); err != nil {
		return err
	}
	for _, s := range l.Series {
		shown = shown || s.Kind == check.Sum && s.Group == group
	}
	if shown != wanted {
		return errors.New("the sum is shown, or is not")
	}
	return nil
}
