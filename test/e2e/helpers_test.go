package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

// kubectl runs kubectl with all rights and returns what it printed.
func kubectl(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	out, err := shared.ControlPlane.Kubectl(ctx, args...)
	suite.Try(t, err)
	return out
}

// fromPod makes a consumer look as if it ran in a pod.
func fromPod(ip string) []kgo.Opt {
	return []kgo.Opt{workload.FromIP(ip), kgo.ClientID("pod-" + ip)}
}

// containsAll says what of some texts is missing in another.
func containsAll(text string, wants []string) error {
	for _, want := range wants {
		if !strings.Contains(text, want) {
			return fmt.Errorf("%.2000s has no %s", text, want)
		}
	}
	return nil
}
