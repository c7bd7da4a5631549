package faults

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/controlplane"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/watch"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
)

// leaving is row 14: a replica is killed, and later both are replaced one after the other in good order, as a rollout or a drain does.
type leaving struct {
	orderly time.Time // from when on all goes in good order
}

func leavingRow() row {
	l := &leaving{}
	return row{
		number: 14, name: "a-replica-is-killed,-both-are-replaced", short: 10 * time.Second, long: 30 * time.Second, fault: l.fault, further: l.further,
		excused: func(v check.Violation) bool { return v.Rule == check.Health }, // further judges these
		without: ofReplica,                                                      // which shows nothing itself while it is gone
	}
}

func ofReplica(source string) bool { return strings.HasPrefix(source, replicaPrefix) }

func (l *leaving) fault(ctx context.Context, w *world, lasts time.Duration) error {
	a := w.replicas.All[0]
	if err := errors.Join(a.Process().Kill(), elapse(ctx, lasts)); err != nil {
		return err
	}
	if err := errors.Join(a.Restart(ctx), await.Until(ctx, "all to be known again", w.known)); err != nil {
		return err
	}
	l.orderly = time.Now()
	for _, a := range w.replicas.All {
		if err := errors.Join(a.Restart(ctx), elapse(ctx, lasts/4)); err != nil {
			return err
		}
	}
	return nil
}

// further wants the metrics API and discovery to have failed at no more than 3 moments after the kill, as an HPA asks once in 15 s and so
// notices one; and never while replicas went in good order.
func (l *leaving) further(t *testing.T, _ *world, seen watched, _ check.Report) {
	t.Helper()
	failures := map[string]int{}
	for _, e := range seen.log.Events {
		switch {
		case e.Rule != check.Health || ofReplica(e.Source): // what a replica itself does not answer while it is gone
		case e.At.After(l.orderly):
			t.Errorf("while replicas went in good order, at %s %s failed: %s", e.At.Format(time.StampMilli), e.Source, e.Text)
		default:
			failures[e.Source]++
		}
	}
	t.Logf("failures after the kill, besides the replica's own: %v", failures)
	for source, n := range failures {
		if n > 3 {
			t.Errorf("%s failed %d times", source, n)
		}
	}
}

// apiServerDown kills kube-apiserver and starts it again. While it is gone nobody can be looked up, and who has not shown who they are is
// refused as ever.
func apiServerDown(ctx context.Context, w *world, lasts time.Duration) error {
	if err := w.ControlPlane.Process(controlplane.APIServer).Kill(); err != nil {
		return err
	}
	asking, down := context.WithTimeout(ctx, lasts)
	defer down()
	if err := w.refuseStrangers(asking); err != nil {
		return err
	}
	<-asking.Done()
	return w.ControlPlane.StartComponent(ctx, controlplane.APIServer)
}

// refuseStrangers has those who cannot be anybody ask every replica directly, for what it serves and for what tells what it serves.
func (w *world) refuseStrangers(ctx context.Context) error {
	other, err := pki.NewCA("strangers")
	if err != nil {
		return err
	}
	pair, err := other.Client(controlplane.FrontProxy)
	if err != nil {
		return err
	}
	var asking errgroup.Group
	for name, who := range map[string]caller{
		"nobody": {}, "a wrong token": {headers: http.Header{"Authorization": {"Bearer wrong"}}}, "forged headers": {headers: forged()},
		"forged headers, another CA's certificate": {cert: &pair, headers: forged()},
	} {
		for i, a := range w.replicas.All {
			for _, path := range []string{"/metrics", watch.Custom, watch.External + "/namespaces/default/" + load.Metric} {
				asking.Go(func() error {
					code, body, err := who.ask(ctx, a, path)
					if err != nil || code != http.StatusUnauthorized && code != http.StatusForbidden {
						return fmt.Errorf("%s: %s at %s is answered by %d %.200s (%w)", name, path, replica(i), code, body, err)
					}
					return nil
				})
			}
		}
	}
	return asking.Wait()
}

// ofAPIServer excuses what goes through the API server. /metrics and readiness go on without it.
func ofAPIServer(v check.Violation) bool {
	return v.Rule == check.Health && !ofReplica(v.Source) && !strings.HasPrefix(v.Source, "sidecar")
}
