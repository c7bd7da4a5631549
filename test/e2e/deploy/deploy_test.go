package deploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

const (
	namespace = "kafka-lag-adapter" // of the release
	release   = "lag-adapter"
	consumer  = "consumer" // the example's Deployment and HPA, in default
	orders    = "orders"   // its topic and group
	lag       = 42         // records, at the example's target of 5 for each replica
	scaled    = 9
	tlsSecret = "lag-adapter-tls"
)

// TestLife is that of an installation, each part building on those before it.
func TestLife(t *testing.T) {
	ctx := suite.Within(t, 8*time.Minute)
	applyConsumer(ctx, t)
	applyNamespace(ctx, t)
	// what controllers add to both
	kubectl(ctx, t, "rollout", "status", "deployment/"+consumer, "--timeout=60s")
	kubectl(ctx, t, "-n", namespace, "wait", "--for=create", "--timeout=60s", "serviceaccount/default", "configmap/kube-root-ca.crt")
	before, err := everything(ctx)
	suite.Try(t, err)

	step := func(name string, do func(t *testing.T)) {
		if !t.Run(name, do) {
			t.FailNow() // what follows builds on it
		}
	}
	step("another owner", func(t *testing.T) { refusesOtherOwner(ctx, t) })
	step("install", func(t *testing.T) {
		shared.helm(ctx, t, append([]string{"install", release, chart(), "--wait", "--timeout=90s"}, values()...)...)
		awaitAvailable(ctx, t)
		awaitReplicas(ctx, t, scaled)
	})
	step("upgrade", func(t *testing.T) {
		pods := podUIDs(ctx, t)
		certificate := secret(ctx, t)
		hpaHolds(ctx, t, func() { shared.upgrade(ctx, t, "--set=podAnnotations.restarted=once") })
		for _, uid := range podUIDs(ctx, t) {
			if slices.Contains(pods, uid) {
				t.Error("a pod has outlived a rolling restart")
			}
		}
		if secret(ctx, t) != certificate {
			t.Error("the certificate did not outlive the upgrade")
		}
	})
	step("certificate", func(t *testing.T) { rotates(ctx, t) })
	step("configuration", func(t *testing.T) {
		changes(ctx, t, reloadedAt, func() { shared.upgrade(ctx, t, "--set=config.max-age=50s") })
	})
	step("crash", func(t *testing.T) { crashes(ctx, t) })
	step("rollback", func(t *testing.T) {
		hpaHolds(ctx, t, func() { shared.helm(ctx, t, "rollback", release, "1", "--wait", "--timeout=90s") })
	})
	step("rights", func(t *testing.T) { checkRights(t) })
	step("uninstall", func(t *testing.T) {
		shared.helm(ctx, t, "uninstall", release, "--wait", "--timeout=90s")
		suite.Try(t, await.Until(ctx, "nothing to be left", func(ctx context.Context) error {
			left, err := everything(ctx)
			if err != nil {
				return err
			}
			if left = slices.DeleteFunc(left, func(object string) bool { return slices.Contains(before, object) }); len(left) > 0 {
				return fmt.Errorf("%q", left)
			}
			return nil
		}))
		if got := replicas(ctx, t); got != scaled {
			t.Errorf("with the adapter gone the HPA wants %d replicas, had %d", got, scaled)
		}
	})
}

// chart is the chart's folder.
func chart() string { return filepath.Join(shared.Layout.Manifests(), "chart") }

// values are those of an installation: Kafka here lets everybody in, so it takes only one.
func values() []string { return []string{"--set=brokers=" + shared.Kafka.Bootstrap()} }

// helm runs helm for the namespace of the release.
func (c *Cluster) helm(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.Helm.Run(ctx, append(args, "--namespace="+namespace)...)
	suite.Try(t, err)
	return out
}

// upgrade upgrades the release, with what it had and more.
func (c *Cluster) upgrade(ctx context.Context, t *testing.T, sets ...string) {
	t.Helper()
	c.helm(ctx, t, append([]string{"upgrade", release, chart(), "--reset-then-reuse-values", "--wait", "--timeout=90s"}, sets...)...)
}

// refusesOtherOwner: with an APIService of somebody else, nothing is installed, and the error says whose it is and what can be done.
func refusesOtherOwner(ctx context.Context, t *testing.T) {
	const other = "v1beta1.custom.metrics.k8s.io"
	theirs := filepath.Join(t.TempDir(), "theirs.yaml")
	suite.Try(t, os.WriteFile(theirs, []byte(strings.NewReplacer("NAME", other).Replace(`apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: NAME}
spec:
  group: custom.metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  service: {name: prometheus-adapter, namespace: monitoring}
`)), 0o600))
	kubectl(ctx, t, "apply", "-f", theirs)
	_, err := shared.Helm.Run(ctx, append([]string{"install", release, chart(), "--namespace=" + namespace}, values()...)...)
	for _, want := range []string{other, "prometheus-adapter in namespace monitoring", "uninstall the other", "externalMetrics.enabled=true", "takeOver=true"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	if out := shared.helm(ctx, t, "list", "--short"); strings.TrimSpace(out) != "" {
		t.Errorf("releases after a refusal: %s", out)
	}
	kubectl(ctx, t, "delete", "-f", theirs)
}

// rotates has the chart issue another certificate.
func rotates(ctx context.Context, t *testing.T) {
	old := secret(ctx, t)
	replaced(ctx, t, func() {
		shared.upgrade(ctx, t, "--set-string=certificates.generated.renew=2")
		if secret(ctx, t) == old {
			t.Error("the Secret holds the old certificate")
		}
	})
}

// crashes kills one replica, and when that is back the other: of one of them kube-apiserver had a connection. Each time, at most one sync of the HPA
// fails, and the container is started again.
func crashes(ctx context.Context, t *testing.T) {
	for _, victim := range ourPods(ctx, t) {
		hpaHolds(ctx, t, func() {
			suite.Try(t, shared.Kubelet.Crash(victim.Name))
			suite.Try(t, await.Until(ctx, "the crashed pod to be ready again", func(ctx context.Context) error {
				pod, err := shared.ControlPlane.Client.CoreV1().Pods(namespace).Get(ctx, victim.Name, metav1.GetOptions{})
				if err != nil {
					return err
				}
				if status := pod.Status.ContainerStatuses[0]; status.RestartCount != 1 || !status.Ready {
					return fmt.Errorf("ready %v, restarts %d", status.Ready, status.RestartCount)
				}
				return nil
			}))
		})
	}
}

// ourPods are those of the release, but for those that are going, by name.
func ourPods(ctx context.Context, t *testing.T) []corev1.Pod {
	t.Helper()
	list, err := shared.ControlPlane.Client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	suite.Try(t, err)
	pods := slices.DeleteFunc(list.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	slices.SortFunc(pods, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	if len(pods) != 2 {
		t.Fatalf("%d pods", len(pods))
	}
	return pods
}

func podUIDs(ctx context.Context, t *testing.T) []string {
	t.Helper()
	var uids []string
	for _, p := range ourPods(ctx, t) {
		uids = append(uids, string(p.UID))
	}
	return uids
}

// secret is the certificate in the Secret.
func secret(ctx context.Context, t *testing.T) string {
	t.Helper()
	s, err := shared.ControlPlane.Client.CoreV1().Secrets(namespace).Get(ctx, tlsSecret, metav1.GetOptions{})
	suite.Try(t, err)
	return string(s.Data["tls.crt"])
}
