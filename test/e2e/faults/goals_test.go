package faults

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/controlplane"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/page"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/watch"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// The goals that are numbers.
const (
	sparedAge   = 15 * time.Second // of the groups of other brokers than the one that hangs
	hotAge      = 3 * time.Second  // of those of them that HPAs ask for
	recoverWith = 30 * time.Second
	failedSyncs = 1 // of an HPA, by a replica that is killed
)

// goal is what a row was to reach, and what it has. Nothing is wanted of what is there for comparison.
type goal struct {
	what, measured, wanted string
	met                    bool
	timed                  bool // judged only where the machine has nothing else to do
}

// within is a goal for a time.
func within(what string, limit time.Duration, got check.Extreme) goal {
	return goal{
		what: what, measured: fmt.Sprintf("%.1f s (%s)", got.Seconds(), got.Of), wanted: fmt.Sprintf("%.0f s at most", limit.Seconds()),
		met: got.Duration <= limit, timed: true,
	}
}

// none is a goal for a number: 0.
func none(what string, got int) goal {
	return goal{what: what, measured: fmt.Sprint(got), wanted: "0", met: got == 0}
}

// scene is what a fault tells the judgement of its row.
type scene struct {
	spared   map[string]bool // groups that the fault has no part in
	stalls   []check.Span    // the brokers that the fault has no part in had no time to answer either
	began    time.Time
	unknown  check.Span // nothing can be known
	silent   check.Span // nobody can have known anything
	restarts []restarted
}

// restarted is a replica that was restarted on purpose.
type restarted struct {
	replica string
	check.Span
}

// measure judges the goals of a row, and writes them down if that is asked for.
func (r row) measure(t *testing.T, w *world, lasts time.Duration, seen watched, report check.Report) {
	t.Helper()
	if r.goals == nil {
		return
	}
	var measures []page.Measure
	for _, g := range r.goals(t, w, seen, report) {
		verdict := "met"
		switch {
		case g.wanted == "": // for comparison only
			verdict = ""
		case g.timed && !w.full:
			verdict = "not judged in the small size"
		case !g.met:
			verdict = "not met"
			t.Errorf("%s: %s, wanted: %s", g.what, g.measured, g.wanted)
		}
		t.Logf("%s: %s, wanted: %s: %s", g.what, g.measured, g.wanted, verdict)
		measures = append(measures, page.Measure{
			Row: r.number, What: g.what, Measured: fmt.Sprintf("%s, in %s of %d groups", g.measured, lasts, w.all()), Goal: strings.Trim(g.wanted+": "+verdict, ": "),
		})
	}
	suite.Try(t, page.Measures(w.where.Root, measures))
}

// sparedStayFresh: what a hung broker has no part in is as fresh as ever. Only the replica that the HPAs' requests come to reads what they ask
// for more often than the rest, so that their answers tell how fresh it is, and not every replica's series.
func sparedStayFresh(t *testing.T, w *world, seen watched, report check.Report) []goal {
	t.Helper()
	stalls := w.scene.stalls
	cold := seen.log.Freshness(w.scene.began, seen.over, stalls, func(s check.Series) bool { return w.scene.spared[s.Group] })
	asked := seen.log.Freshness(w.scene.began, seen.over, stalls, func(s check.Series) bool { return w.scene.spared[s.Group] && s.Kind == check.Answer })
	stalled := check.Within(stalls, w.scene.began, seen.over)
	t.Logf("%s in which the other brokers had no time to answer", stalled.Round(time.Millisecond))
	if lasted := seen.over.Sub(w.scene.began); w.full && stalled > lasted/10 {
		t.Errorf("of %s, the brokers that were not stopped had no time to answer in %s: this machine is too busy to say anything of times", lasted, stalled)
	}
	t.Logf("%d sums of groups of other brokers, %d of which HPAs ask for", cold.Series, asked.Series)
	if cold.Series == 0 || w.full && (cold.Series <= asked.Series || asked.Series == 0) { // of few HPAs, all may have the one that hangs as coordinator
		t.Error("too few to say anything")
	}
	return []goal{
		within("age of the groups of the other brokers", sparedAge, cold.Oldest),
		within("age of those of them that HPAs ask for", hotAge, asked.Oldest),
		within("recovery", recoverWith, report.Recovery),
	}
}

// nothingMoves: while a cluster is down, no HPA changes anything, no API gets unavailable, and an adapter that is started says nothing.
func nothingMoves(t *testing.T, w *world, seen watched, report check.Report) []goal {
	t.Helper()
	for _, c := range seen.log.ClaimsIn(w.scene.silent.From, w.scene.silent.To) {
		s := seen.log.Series[c.Series]
		t.Errorf("%s: %s says %d of %s, which nobody can know", c.First.Format(time.StampMilli), s.Source, c.Value, s.Group)
		break
	}
	moved := seen.log.ChangesIn(w.scene.unknown.From, w.scene.unknown.To)
	now, err := watch.Transitions(t.Context(), w.ControlPlane.Client)
	suite.Try(t, err)
	flaps := 0
	for name, at := range now {
		if !at.Equal(seen.available[name]) {
			flaps++
		}
	}
	return []goal{
		none("changes of replicas while nothing is known, also by adapters that were started meanwhile", moved),
		none("APIServices that were unavailable", flaps),
		within("recovery", recoverWith, report.Recovery),
	}
}

// fewSyncsFail: what the death of a replica costs an HPA, and an orderly end.
func (l *leaving) fewSyncsFail(t *testing.T, w *world, seen watched, _ check.Report) []goal {
	t.Helper()
	events, err := w.ControlPlane.Audit(controlplane.HPAController, seen.audited)
	suite.Try(t, err)
	all, most, failed, orderly := 0, 0, map[string]int{}, 0
	for _, e := range events {
		if !strings.Contains(e.RequestURI, ".metrics.k8s.io/") || !strings.Contains(e.RequestURI, "/namespaces/") {
			continue
		}
		all++
		if e.ResponseStatus.Code == http.StatusOK {
			continue
		}
		t.Logf("a sync failed: %s %s %d %s", e.ReceivedAt.Format(time.StampMilli), e.RequestURI, e.ResponseStatus.Code, e.ResponseStatus.Message)
		if e.ReceivedAt.After(l.orderly) {
			orderly++
			continue
		}
		failed[e.RequestURI]++
		most = max(most, failed[e.RequestURI])
	}
	if all == 0 {
		t.Error("no HPA has asked for anything")
	}
	return []goal{{
		what: "failed syncs of an HPA after a replica was killed", measured: fmt.Sprintf("%d, of %d syncs in all", most, all),
		wanted: fmt.Sprintf("%d at most", failedSyncs), met: most <= failedSyncs,
		timed: true, // in the small size HPAs sync 15 times as often
	}, none("failed syncs while both replicas were replaced", orderly)}
}

// balance has each broker lead what it leads by default, and returns the leaders of each topic. A broker that is left with all of it, as after
// restarts of the others, has nine times the work: each record that is appended wakes the fetchers of both followers, which look at all that it leads.
func (w *world) balance(ctx context.Context) (leaders map[string]map[int32]bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("not within two minutes"))
	defer cancel()
	err = w.Workload().Admin(func(admin *kadm.Client) error {
		return await.Until(ctx, "all partitions to be led by their first replica", func(ctx context.Context) error {
			if _, err := admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, nil); err != nil {
				return fmt.Errorf("electing leaders: %w", err)
			}
			topics, err := admin.ListTopicsWithInternal(ctx)
			if err != nil {
				return err
			}
			leaders = map[string]map[int32]bool{}
			for name, topic := range topics {
				leaders[name] = map[int32]bool{}
				for _, p := range topic.Partitions {
					if len(p.Replicas) == 0 || p.Leader != p.Replicas[0] {
						return fmt.Errorf("%s/%d is led by broker %d of %v", name, p.Partition, p.Leader, p.Replicas)
					}
					leaders[name][p.Leader] = true
				}
			}
			return nil
		})
	})
	return leaders, err
}

// sparedBy are the groups whose coordinators, and the leaders of whose topics, are other brokers than this one.
func (w *world) sparedBy(ctx context.Context, broker int32) (map[string]bool, error) {
	leaders, err := w.balance(ctx)
	if err != nil {
		return nil, err
	}
	spared := map[string]bool{}
	return spared, w.Workload().Admin(func(admin *kadm.Client) error {
		return await.Until(ctx, "the coordinators to be known", func(ctx context.Context) error {
			clear(spared)
			for group, c := range admin.FindGroupCoordinators(ctx, w.load.Groups()...) {
				if c.Err != nil {
					return fmt.Errorf("looking for the coordinator of %s: %w", group, c.Err)
				}
				if c.NodeID != broker && !leaders[w.load.Topic(group)][broker] {
					spared[group] = true
				}
			}
			if len(spared) == 0 {
				return errors.New("broker has a part in all groups")
			}
			return nil
		})
	})
}

// ofRestart excuses the probes of a replica that was restarted.
func ofRestart(v check.Violation) bool {
	for _, r := range shared.scene.restarts {
		if v.Rule == check.Health && strings.HasPrefix(v.Source, r.replica) && r.Has(v.At) {
			return true
		}
	}
	return false
}

// settled is how long after the last answer an HPA may still act on it: it remembers what it wanted, and grows in steps.
func (w *world) settled() time.Duration {
	return w.maxAge + w.poll + stabilization + 2*w.sync + 2*time.Second
}

// rollout restarts the replicas one after the other, as a Deployment does.
func (w *world) rollout(ctx context.Context) error {
	for i, a := range w.replicas.All {
		from := time.Now()
		if err := a.Restart(ctx); err != nil {
			return err
		}
		// Its own probes are ten times as frequent as what notices it.
		w.scene.restarts = append(w.scene.restarts, restarted{replica(i), check.Span{From: from, To: time.Now().Add(time.Second)}})
		if err := await.Until(ctx, "the APIs to be available", func(ctx context.Context) error {
			if !w.replicas.Serves(a) {
				return fmt.Errorf("%s gets no requests", replica(i))
			}
			return watch.Available(ctx, w.ControlPlane.Client)
		}); err != nil {
			return err
		}
	}
	return nil
}

// auditPolicy has the API server write down what HPAs ask for, and none of the hundred requests a second that the checker makes.
const auditPolicy = `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [
	{"level": "Metadata", "users": ["` + controlplane.HPAController + `"]}, {"level": "None"}]}`
