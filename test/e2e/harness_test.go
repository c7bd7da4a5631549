package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestHarnessOracle holds the oracle against what was produced and committed, on
// brokers that are then stopped and started again.
func TestHarnessOracle(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	kafka := shared.Workload()
	const topic, group, partitions, produced, consumed = "harness-oracle", "harness-oracle", 3, 42, 12
	suite.Try(t, kafka.CreateTopic(ctx, topic, partitions))
	suite.Try(t, kafka.Commit(ctx, group, topic, map[int32]int64{0: 0, 1: 0, 2: 0}))
	suite.Try(t, kafka.Produce(ctx, topic, produced))
	checkLag(ctx, t, group, topic, produced)
	suite.Try(t, kafka.Consume(ctx, group, topic, consumed))
	checkLag(ctx, t, group, topic, produced-consumed)

	offsets, err := shared.Oracle.Offsets(ctx)
	suite.Try(t, err)
	if !offsets.Before.Before(offsets.After) {
		t.Errorf("read from %v until %v, which is no span of time", offsets.Before, offsets.After)
	}
	var end int64
	for p := range int32(partitions) {
		log, err := offsets.Log(oracle.Partition{Topic: topic, Partition: p})
		suite.Try(t, err)
		if log.Start != 0 || log.LastStable != log.HighWatermark || log.TopicID == "" {
			t.Errorf("partition %d of an untouched topic: %+v", p, log)
		}
		end += log.HighWatermark
	}
	if end != produced {
		t.Errorf("the log ends add up to %d, want %d", end, produced)
	}

	before := shared.Kafka.Bootstrap()
	suite.Try(t, shared.Kafka.Stop())
	for _, n := range shared.Kafka.Nodes() {
		if id, err := proc.Identify(n.Process().Name(), n.Process().PID()); err == nil && id.Alive() {
			t.Errorf("node %d runs after Stop", n.ID)
		}
	}
	suite.Try(t, shared.Kafka.Start(ctx))
	if after := shared.Kafka.Bootstrap(); after != before {
		t.Errorf("after a restart Kafka is at %s, was at %s", after, before)
	}
	// The coordinator may still be loading: a group's error is one to wait out.
	suite.Try(t, await.Until(ctx, "the group's lag after the restart", func(ctx context.Context) error {
		offsets, err := shared.Oracle.Offsets(ctx)
		if err != nil {
			return err
		}
		return lagIs(offsets, group, topic, produced-consumed)
	}))
}

// TestHarnessMembers shows that a member is described with the address of its
// pod, with its assignment, and that a hung broker hangs until it is resumed.
func TestHarnessMembers(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	kafka := shared.Workload()
	const topic, group, pod = "harness-members", "harness-members", "127.1.0.200"
	suite.Try(t, kafka.CreateTopic(ctx, topic, 2))
	suite.Try(t, kafka.Produce(ctx, topic, 2))
	consumer, err := kafka.Join(group, topic, fromPod(pod)...)
	suite.Try(t, err)
	t.Cleanup(consumer.Close)
	suite.Try(t, consumer.Consume(ctx, 2))

	node := shared.Kafka.Nodes()[0]
	suite.Try(t, node.Process().Pause())
	t.Cleanup(func() { suite.Try(t, node.Process().Resume()) })
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := shared.Oracle.Offsets(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a broker hung, all offsets could be read: %v", err)
	}
	suite.Try(t, node.Process().Resume())

	suite.Try(t, await.Until(ctx, "the member's description", func(ctx context.Context) error {
		groups, err := shared.Oracle.Groups(ctx)
		if err != nil {
			return err
		}
		for _, g := range groups {
			if g.Group == group {
				return memberIs(g, "/"+pod)
			}
		}
		return fmt.Errorf("no group %s", group)
	}))
}

// TestHarnessPods runs a Deployment: scheduled, Ready, on loopback addresses.
func TestHarnessPods(t *testing.T) {
	ctx := suite.Within(t, time.Minute)
	const name = "harness-pods"
	kubectl(ctx, t, "create", "deployment", name, "--image=none", "--replicas=3")
	t.Cleanup(func() { kubectl(context.WithoutCancel(ctx), t, "delete", "deployment", name, "--wait=false") })
	kubectl(ctx, t, "rollout", "status", "deployment/"+name, "--timeout=60s")
	ips := strings.Fields(kubectl(ctx, t, "get", "pods", "-l", "app="+name, "-o", "jsonpath={.items[*].status.podIP}"))
	if len(ips) != 3 {
		t.Errorf("3 pods have the addresses %v", ips)
	}
	for _, ip := range ips {
		if !strings.HasPrefix(ip, "127.1.") {
			t.Errorf("a pod's address is %s, want a loopback one", ip)
		}
	}
}

// TestHarnessServices shows that a Service has endpoints in a service namespace,
// and an address that this machine can listen at.
func TestHarnessServices(t *testing.T) {
	ctx := suite.Within(t, time.Minute)
	const namespace, name = "harness-services", "web"
	suite.Try(t, shared.ControlPlane.CreateServiceNamespace(ctx, namespace))
	t.Cleanup(func() {
		kubectl(context.WithoutCancel(ctx), t, "delete", "namespace", namespace, "--wait=false")
	})
	kubectl(ctx, t, "-n", namespace, "create", "deployment", name, "--image=none", "--port=6443")
	kubectl(ctx, t, "-n", namespace, "expose", "deployment", name, "--port=443", "--target-port=6443")
	kubectl(ctx, t, "-n", namespace, "wait", "--for=jsonpath={.endpoints[0].conditions.ready}=true", "--timeout=30s",
		"endpointslice", "-l", "kubernetes.io/service-name="+name)
	if ip := kubectl(ctx, t, "-n", namespace, "get", "service", name, "-o", "jsonpath={.spec.clusterIP}"); !strings.HasPrefix(ip, "127.96.") {
		t.Errorf("the Service's address is %s, want a loopback one", ip)
	}
}

// TestHarnessServiceAccount shows that a ServiceAccount's kubeconfig has its
// rights and no others, and that requests are audited under its name.
func TestHarnessServiceAccount(t *testing.T) {
	ctx := suite.Within(t, time.Minute)
	const name = "harness-account"
	kubectl(ctx, t, "create", "serviceaccount", name)
	t.Cleanup(func() { kubectl(context.WithoutCancel(ctx), t, "delete", "serviceaccount", name) })
	config, err := shared.ControlPlane.KubeconfigFor(ctx, "default", name)
	suite.Try(t, err)
	// The first --kubeconfig is the administrator's; the last one counts.
	who := kubectl(ctx, t, "--kubeconfig", config, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
	if want := "system:serviceaccount:default:" + name; who != want {
		t.Errorf("the kubeconfig is %s's, want %s", who, want)
	}
	if out, err := shared.ControlPlane.Kubectl(ctx, "--kubeconfig", config, "get", "pods"); err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("listing pods without any right = %q, %v, want it forbidden", out, err)
	}
	suite.Try(t, await.Until(ctx, "the audit log to have it", func(context.Context) error {
		log, err := os.ReadFile(shared.ControlPlane.AuditLog())
		if err == nil && !strings.Contains(string(log), "system:serviceaccount:default:"+name) {
			err = errors.New("no event of the ServiceAccount")
		}
		return err
	}))
}

func checkLag(ctx context.Context, t *testing.T, group, topic string, want int64) {
	t.Helper()
	offsets, err := shared.Oracle.Offsets(ctx)
	suite.Try(t, err)
	if err := lagIs(offsets, group, topic, want); err != nil {
		t.Error(err)
	}
}

func lagIs(offsets *oracle.Offsets, group, topic string, want int64) error {
	lag, err := offsets.Lag(group, topic)
	if err == nil && lag != want {
		err = fmt.Errorf("the oracle says that %s has a lag of %d on %s, want %d", group, lag, topic, want)
	}
	return err
}

func memberIs(g oracle.Group, host string) error {
	if g.Error != "" || g.Type != "Classic" || g.State != "Stable" || len(g.Members) != 1 {
		return fmt.Errorf("want a stable classic group with one member, got %+v", g)
	}
	if m := g.Members[0]; m.Host != host || len(m.Assignment) != 2 {
		return fmt.Errorf("want a member at %s with 2 partitions, got %+v", host, m)
	}
	return nil
}
