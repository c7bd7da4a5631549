package e2e

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/members"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

// starter starts a consumer of a group in the place of a pod. The topic has the group's name.
type starter func(group string, pod *corev1.Pod) (member, error)

// TestHPAWithoutSelector has the example of an HPA without a metric selector scale Deployments whose pods are consumers in different
// clients: KafkaJS, Java's with KIP-848, and franz-go. 22 records at a target of 5 are 5 replicas, among which they are divided as
// the partitions are by the AdminClient; none are 1.
func TestHPAWithoutSelector(t *testing.T) {
	clients := map[string]starter{"kafkajs": kafkaJS(t), "java-kip848": javaKIP848(t), "franz-go": franzGo}
	for client, start := range clients {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			ctx := suite.Within(t, 4*time.Minute)
			app := "members-" + client
			newGroup(ctx, t, app, 12)
			applyAs(ctx, t, app, []string{"hpa-members.yaml"})
			pods := runFleet(t, app, func(pod *corev1.Pod) (member, error) { return start(app, pod) })
			suite.Try(t, shared.Workload().Produce(ctx, app, 22))
			lags := func(ctx context.Context) (map[string]int64, error) { return owned(ctx, app, app, byHost) }

			awaitReplicasOf(ctx, t, app, 5)
			awaitValues(ctx, t, app, "", lags)
			awaitReplicasOf(ctx, t, app, 5) // it has not moved on what it was told while members joined
			suite.Try(t, pods.drain())
			awaitReplicasOf(ctx, t, app, 1)
			awaitValues(ctx, t, app, "", lags)
			checkLag(ctx, t, app, app, 0)
		})
	}
}

func membersConfig(t *testing.T) (members.Config, layout.Layout) {
	t.Helper()
	where, err := layout.Find()
	suite.Try(t, err)
	return members.Config{Libs: where.KafkaLibs(), Dir: filepath.Join(shared.Dir, "members"), Bootstrap: shared.Kafka.Bootstrap()}, where
}

func kafkaJS(t *testing.T) starter {
	t.Helper()
	cfg, where := membersConfig(t)
	return func(group string, pod *corev1.Pod) (member, error) {
		return members.StartKafkaJS(cfg, where.KafkaJS(), podOf(group, pod))
	}
}

func javaKIP848(t *testing.T) starter {
	t.Helper()
	cfg, _ := membersConfig(t)
	java, err := members.CompileJava(t.Context(), cfg)
	suite.Try(t, err)
	return func(group string, pod *corev1.Pod) (member, error) { return java.Start(podOf(group, pod)) }
}

func podOf(group string, pod *corev1.Pod) members.Pod {
	return members.Pod{Name: pod.Name, IP: pod.Status.PodIP, Group: group, Topic: group}
}

func franzGo(group string, pod *corev1.Pod) (member, error) {
	c, err := shared.Workload().Join(group, group, workload.FromIP(pod.Status.PodIP))
	if err != nil {
		return nil, err
	}
	return workload.Hold(c), nil
}
