package faults

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/controlplane"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
)

// replicaKilled kills an adapter as a crash would, and starts it again.
func replicaKilled(ctx context.Context, w *world, lasts time.Duration) error {
	a := w.replicas.All[0]
	if err := a.Process().Kill(); err != nil {
		return err
	}
	if err := elapse(ctx, lasts); err != nil {
		return err
	}
	return a.Restart(ctx)
}

// ofKilled excuses what is about the killed replica itself, and the requests that were under way or went to it before it was
// found out.
func ofKilled(v check.Violation) bool { return v.Rule == check.Health }

// fewFailures wants the metrics API and discovery to have failed at no more than 3 moments: an HPA asks once in 15 s, and so notices one.
func fewFailures(t *testing.T, _ *world, seen watched, _ check.Report) {
	t.Helper()
	failures := map[string]int{}
	for _, e := range seen.log.Events {
		if e.Rule == check.Health && !strings.HasPrefix(e.Source, replica(0)) {
			failures[e.Source]++
		}
	}
	t.Logf("failures besides the killed replica's own: %v", failures)
	for source, n := range failures {
		if n > 3 {
			t.Errorf("%s failed %d times", source, n)
		}
	}
}

// apiServerDown kills kube-apiserver and starts it again.
func apiServerDown(ctx context.Context, w *world, lasts time.Duration) error {
	if err := w.ControlPlane.Process(controlplane.APIServer).Kill(); err != nil {
		return err
	}
	if err := elapse(ctx, lasts); err != nil {
		return err
	}
	return w.ControlPlane.StartComponent(ctx, controlplane.APIServer)
}

// ofAPIServer excuses what goes through the API server. /metrics and readiness go on without it.
func ofAPIServer(v check.Violation) bool {
	return v.Rule == check.Health && !strings.HasPrefix(v.Source, replica(0)) && !strings.HasPrefix(v.Source, replica(1)) && !strings.HasPrefix(v.Source, "sidecar")
}
