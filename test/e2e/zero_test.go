package e2e

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestScaleToZero has an HPA with minReplicas 0 scale to zero, up from there, when no pod is left that could be a member of anything,
// and down again. The group is known by an annotation of the Deployment, or by the metric selector.
func TestScaleToZero(t *testing.T) {
	const selector = `          selector:
            matchLabels:
              consumergroup: orders
              topic: orders # only this one, should the group consume others too
`
	for by, edits := range map[string]func(app string) []string{
		"annotation": func(string) []string { return []string{selector, ""} },
		"selector": func(app string) []string {
			return []string{"group: orders\n", "group: " + app + "\n", "topic: orders ", "topic: " + app + " "}
		},
	} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			ctx := suite.Within(t, 3*time.Minute)
			app := "zero-by-" + by
			newGroup(ctx, t, app, 6)
			applyAs(ctx, t, app, []string{"hpa-object.yaml"}, append(edits(app), "minReplicas: 1\n", "minReplicas: 0\n")...)
			if by == "annotation" {
				kubectl(ctx, t, "annotate", "deployment", app, "kafka-lag-adapter/consumergroup="+app)
			}
			pods := runFleet(t, app, func(pod *corev1.Pod) (member, error) { return franzGo(app, pod) })
			awaitReplicasOf(ctx, t, app, 0)
			suite.Try(t, shared.Workload().Produce(ctx, app, 12))
			awaitReplicasOf(ctx, t, app, 3)
			awaitValues(ctx, t, app, "", func(ctx context.Context) (map[string]int64, error) { return owned(ctx, app, app, byHost) })
			suite.Try(t, pods.drain())
			awaitReplicasOf(ctx, t, app, 0)
			checkLag(ctx, t, app, app, 0)
		})
	}
}
