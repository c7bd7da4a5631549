package e2e

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

// applyTestdata applies a file of testdata and deletes what is in it when the test ends.
func applyTestdata(ctx context.Context, t *testing.T, file string) {
	t.Helper()
	applyFile(ctx, t, filepath.Join("testdata", file))
}

// applyKinds installs the kinds of others, which are gone again when the test ends.
func applyKinds(ctx context.Context, t *testing.T) {
	t.Helper()
	applyTestdata(ctx, t, "crds.yaml")
	kubectl(ctx, t, "wait", "--for=condition=Established", "--timeout=30s", "-f", filepath.Join("testdata", "crds.yaml"))
}

// TestStatefulSet has static members, of which Kafka shows one address: the pod's name in group.instance.id tells whose they are.
func TestStatefulSet(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	const app, lag = "static", 31
	newGroup(ctx, t, app, 6)
	applyTestdata(ctx, t, "statefulset.yaml")
	kubectl(ctx, t, "rollout", "status", "statefulset/"+app, "--timeout=60s")
	runFleet(t, app, func(pod *corev1.Pod) (member, error) {
		c, err := shared.Workload().Join(app, app, kgo.InstanceID(pod.Name))
		if err != nil {
			return nil, err
		}
		return workload.Hold(c), nil
	})
	suite.Try(t, shared.Workload().Produce(ctx, app, lag))
	awaitValues(ctx, t, app, "", func(ctx context.Context) (map[string]int64, error) {
		return owned(ctx, app, app, func(m oracle.Member, _ map[string]string) string { return m.InstanceID })
	})
	awaitValue(ctx, t, "statefulsets.apps/static/kafka_consumergroup_lag", lag)
	awaitValue(ctx, t, "statefulsets.apps/static/kafka_consumergroup_members", 3)
	awaitValue(ctx, t, "statefulsets.apps/static/kafka_consumergroup_partitions", 6)
}

// TestRollout asks for a kind that Kubernetes knows nothing of but its scale subresource, before and after it is installed.
func TestRollout(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	const app, lag = "rollout", 17
	if _, err := rawMetric(ctx, "v1beta2/namespaces/default/rollouts.argoproj.io/rollout/kafka_consumergroup_lag"); !notFound(err) {
		t.Errorf("before the kind is there: %v", err)
	}
	newGroup(ctx, t, app, 6)
	applyKinds(ctx, t)
	kubectl(ctx, t, "create", "clusterrole", "read-rollouts", "--verb=get,list", "--resource=rollouts.argoproj.io") // as the README says
	kubectl(ctx, t, "create", "clusterrolebinding", "read-rollouts", "--clusterrole=read-rollouts", "--serviceaccount=kafka-lag-adapter:lag-adapter")
	t.Cleanup(func() {
		kubectl(context.WithoutCancel(ctx), t, "delete", "clusterrole/read-rollouts", "clusterrolebinding/read-rollouts")
	})
	applyTestdata(ctx, t, "rollout.yaml")
	kubectl(ctx, t, "patch", "rollouts.argoproj.io", app, "--subresource=status", "--type=merge",
		`--patch={"status": {"HPAReplicas": 2, "selector": "app=rollout"}}`) // as Argo's controller does
	kubectl(ctx, t, "-n", namespace, "wait", "--for=condition=Ready", "--timeout=30s", "pods", "-l", "app="+app)
	runFleet(t, app, func(pod *corev1.Pod) (member, error) { return franzGo(app, pod) })
	suite.Try(t, shared.Workload().Produce(ctx, app, lag))
	awaitValue(ctx, t, "rollouts.argoproj.io/rollout/kafka_consumergroup_lag", lag)
	awaitValue(ctx, t, "rollouts.argoproj.io/rollout/kafka_consumergroup_members", 2)
	awaitValues(ctx, t, app, "", func(ctx context.Context) (map[string]int64, error) { return owned(ctx, app, app, byHost) })
}

// TestKafkaTopic asks for topics: the lag of all groups, or of those that the selector names.
func TestKafkaTopic(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	const odd, plain = "Odd_Topic.v1", "plain-topic"
	kafka := shared.Workload()
	newGroup(ctx, t, odd, 2)
	newGroup(ctx, t, plain, 2)
	suite.Try(t, kafka.Commit(ctx, "second-reader", odd, map[int32]int64{0: 0, 1: 0}))
	suite.Try(t, kafka.Produce(ctx, odd, 11))
	suite.Try(t, kafka.Produce(ctx, plain, 3))
	applyKinds(ctx, t)
	applyTestdata(ctx, t, "kafkatopics.yaml")
	const lag = "/kafka_consumergroup_lag"
	awaitValue(ctx, t, "kafkatopics.kafka.strimzi.io/odd-topic"+lag, 22)
	awaitValue(ctx, t, "kafkatopics.kafka.strimzi.io/odd-topic"+lag+"?metricLabelSelector=consumergroup%3Dsecond-reader", 11)
	awaitValue(ctx, t, "kafkatopics.kafka.strimzi.io/plain-topic"+lag, 3)
	awaitValue(ctx, t, "kafkatopics.kafka.strimzi.io/*"+lag+"?labelSelector=app%3Dtopics", 3)
}

// TestAnnotations binds Services by annotations, also to a group that no label could name.
func TestAnnotations(t *testing.T) {
	ctx := suite.Within(t, time.Minute)
	const topic, odd = "annotated", `annotated, with: "odd" name`
	kafka := shared.Workload()
	newGroup(ctx, t, topic, 2)
	suite.Try(t, kafka.Commit(ctx, odd, topic, map[int32]int64{0: 0, 1: 0}))
	suite.Try(t, kafka.Produce(ctx, topic, 9))
	for name, annotations := range map[string][]string{
		"odd":     {`kafka-lag-adapter/consumergroup=["annotated, with: \"odd\" name"]`},
		"both":    {`kafka-lag-adapter/consumergroup=["annotated, with: \"odd\" name", "annotated"]`, "kafka-lag-adapter/topics=annotated"},
		"other":   {"kafka-lag-adapter/consumergroup=annotated", "kafka-lag-adapter/topics=another"},
		"mistake": {"kafka-lag-adapter/consumergroup=annotated,,"},
	} {
		kubectl(ctx, t, "create", "service", "clusterip", name, "--tcp=80")
		t.Cleanup(func() { kubectl(context.WithoutCancel(ctx), t, "delete", "service", name) })
		kubectl(ctx, t, append([]string{"annotate", "service", name}, annotations...)...)
	}
	awaitValue(ctx, t, "services/odd/kafka_consumergroup_lag", 9)
	awaitValue(ctx, t, "services/both/kafka_consumergroup_lag", 18)
	if _, err := rawMetric(ctx, "v1beta2/namespaces/default/services/other/kafka_consumergroup_lag"); !notFound(err) {
		t.Errorf("of a topic that the group does not consume: %v", err)
	}
	_, err := rawMetric(ctx, "v1beta2/namespaces/default/services/mistake/kafka_consumergroup_lag")
	if err == nil || !strings.Contains(err.Error(), "(BadRequest)") || !strings.Contains(err.Error(), "a name is empty") {
		t.Errorf("of an annotation with a mistake: %v", err)
	}
}

// awaitValue waits until both versions of the API answer for an object in the namespace default with this value and no other.
func awaitValue(ctx context.Context, t *testing.T, path string, want int64) {
	t.Helper()
	for _, version := range []string{"v1beta1", "v1beta2"} {
		awaitMetric(ctx, t, version+"/namespaces/default/"+path, want)
	}
}

func awaitMetric(ctx context.Context, t *testing.T, path string, want int64) {
	t.Helper()
	suite.Try(t, await.Until(ctx, path, func(ctx context.Context) error {
		answer, err := rawMetric(ctx, path)
		if err != nil {
			return err
		}
		got, err := answer.sum()
		if err == nil && (len(answer.Items) != 1 || got != want) {
			err = fmt.Errorf("%d items that add up to %d, want one of %d", len(answer.Items), got, want)
		}
		return err
	}))
}

// selecting is a metric selector as a part of a request.
func selecting(selector string) string { return "metricLabelSelector=" + url.QueryEscape(selector) }
