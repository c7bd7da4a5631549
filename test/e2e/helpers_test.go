package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

// within bounds a test: what it waits for must come about in that time.
func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, fmt.Errorf("not within %v", limit))
	t.Cleanup(cancel)
	return ctx
}

// try ends the test on an error in what it only builds on.
func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// kubectl runs kubectl with all rights and returns what it printed.
func kubectl(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	out, err := shared.ControlPlane.Kubectl(ctx, args...)
	try(t, err)
	return out
}

// fromPod makes a consumer look as if it ran in a pod.
func fromPod(ip string) []kgo.Opt {
	return []kgo.Opt{workload.FromIP(ip), kgo.ClientID("pod-" + ip)}
}
