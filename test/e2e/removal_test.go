package e2e

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/helm"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// rightsUser has rights like the adapter's, from which the test takes away. It is another user, as TestRights looks at what the
// adapter's own was forbidden.
const rightsUser = "rights"

// probes are requests, by what they ask for. No consumer runs: what answers is bound by annotations of workloads.
func probes() map[string]string {
	const lag, all = "/kafka_consumergroup_lag", "/*/kafka_consumergroup_lag?labelSelector=app%3Drights"
	return map[string]string{
		"pods": "pods" + all, "deployment": "deployments.apps/rights" + lag, "deployments": "deployments.apps" + all,
		"replicasets": "replicasets.apps" + all, "statefulset": "statefulsets.apps/rights" + lag, "statefulsets": "statefulsets.apps" + all,
		"service": "services/rights" + lag, "services": "services" + all,
		"topic": "kafkatopics.kafka.strimzi.io/rights" + lag, "topics": "kafkatopics.kafka.strimzi.io" + all,
	}
}

// upToDate is that the adapter follows the pods as they change.
const upToDate = "pods up to date"

// needs are the probes that fail without a right. That of a list asks for each of its objects as well.
func needs() map[string][]string {
	return map[string][]string{
		"list pods":         nil, // today's API servers send the list as the beginning of a watch; older ones want it asked for
		"watch pods":        {upToDate},
		"get */scale":       {"deployment", "deployments", "replicasets", "statefulset", "statefulsets"},
		"get deployments":   {"deployment", "deployments", "pods"},
		"list deployments":  {"deployments"},
		"get replicasets":   {"pods", "replicasets"},
		"list replicasets":  {"replicasets"},
		"get statefulsets":  {"statefulset", "statefulsets"},
		"list statefulsets": {"statefulsets"},
		"get services":      {"service", "services"},
		"list services":     {"services"},
		"get kafkatopics":   {"topic", "topics"},
		"list kafkatopics":  {"topics"},
	}
}

// TestRemovedRights runs the adapter with each right of the chart missing, one at a time: something fails, and it is what needs the
// right. That manifests/base grants the same is for package charts to show.
func TestRemovedRights(t *testing.T) {
	ctx := suite.Within(t, 6*time.Minute)
	newGroup(ctx, t, rightsUser, 2)
	suite.Try(t, shared.Workload().Produce(ctx, rightsUser, 5))
	applyKinds(ctx, t)
	applyRights(ctx, t)
	kubectl(ctx, t, "rollout", "status", "deployment/"+rightsUser, "--timeout=60s")
	rules := chartRules(ctx, t)
	config, err := shared.ControlPlane.KubeconfigFor(ctx, namespace, rightsUser)
	suite.Try(t, err)
	reader := clientOf(ctx, t, namespace, "rights-reader") // no administrator, of whom nobody would ask what he may
	args := adapterArgs()
	for _, flag := range []string{"kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"} {
		args = append(args, "--"+flag+"="+config)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		suite.Try(t, errors.Join(shared.Adapter.Restart(ctx, adapterArgs()...), await.Until(ctx, "the APIServices", available)))
	})

	grantRules(ctx, t, rules)
	checkProbes(ctx, t, reader, args, nil)
	reduced := without(rules)
	for _, right := range sortedKeys(reduced) {
		t.Run(right, func(t *testing.T) {
			failing, ok := needs()[right]
			if !ok {
				t.Error("what needs this right is not known; is it needed?")
			}
			grantRules(ctx, t, reduced[right])
			checkProbes(ctx, t, reader, args, failing)
		})
	}
	grantRules(ctx, t, rules)
	t.Run("auth-delegator", func(t *testing.T) {
		kubectl(ctx, t, "delete", "clusterrolebinding", "rights:auth-delegator")
		checkProbes(ctx, t, reader, args, sortedKeys(probes()))
	})
	t.Run("authentication-reader", func(t *testing.T) {
		kubectl(ctx, t, "-n", "kube-system", "delete", "rolebinding", "rights:authentication-reader")
		err := shared.Adapter.Restart(ctx, args...)
		if err == nil || !strings.Contains(err.Error(), "extension-apiserver-authentication") {
			t.Errorf("the adapter starts without knowing the CA of those who ask: %v", err)
		}
	})
}

// chartRules are those of the ClusterRole that the chart has for the adapter.
func chartRules(ctx context.Context, t *testing.T) []rbacv1.PolicyRule {
	t.Helper()
	where, err := layout.Find()
	suite.Try(t, err)
	out, err := helm.Helm{Path: where.Tool("helm"), Home: t.TempDir()}.Run(ctx, "template", stack.Name, filepath.Join(where.Manifests(), "chart"),
		"--set=brokers=kafka:9092", "--show-only=templates/rbac.yaml")
	suite.Try(t, err)
	for _, document := range strings.Split(out, "\n---\n") {
		var role rbacv1.ClusterRole
		suite.Try(t, yaml.Unmarshal([]byte(document), &role))
		if role.Kind == "ClusterRole" {
			return role.Rules
		}
	}
	t.Fatalf("no ClusterRole in\n%s", out)
	return nil
}

// applyRights applies the user and the objects, and deletes what is left of them when the test ends.
func applyRights(ctx context.Context, t *testing.T) {
	t.Helper()
	file := filepath.Join("testdata", "rights.yaml")
	kubectl(ctx, t, "apply", "-f", file)
	t.Cleanup(func() {
		kubectl(context.WithoutCancel(ctx), t, "delete", "-f", file, "--ignore-not-found", "--wait")
	})
}

// without returns the rules without each right, by "verb resource".
func without(rules []rbacv1.PolicyRule) map[string][]rbacv1.PolicyRule {
	all := map[string][]rbacv1.PolicyRule{}
	for i, rule := range rules {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				rest := slices.Delete(slices.Clone(rules), i, i+1)
				for _, r := range rule.Resources {
					left := rule
					left.Resources, left.Verbs = []string{r}, slices.DeleteFunc(slices.Clone(rule.Verbs), func(v string) bool {
						return r == resource && v == verb
					})
					if len(left.Verbs) > 0 {
						rest = append(rest, left)
					}
				}
				all[verb+" "+resource] = rest
			}
		}
	}
	return all
}

// grantRules gives the user these rights and no others, besides those of every aggregated API server.
func grantRules(ctx context.Context, t *testing.T, rules []rbacv1.PolicyRule) {
	t.Helper()
	roles := shared.ControlPlane.Client.RbacV1().ClusterRoles()
	role, err := roles.Get(ctx, rightsUser, metav1.GetOptions{})
	suite.Try(t, err)
	role.Rules = rules
	_, err = roles.Update(ctx, role, metav1.UpdateOptions{})
	suite.Try(t, err)
}

// checkProbes runs the adapter with the arguments and waits until these probes fail and the others do not.
func checkProbes(ctx context.Context, t *testing.T, reader rest.Interface, args, failing []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	suite.Try(t, shared.Adapter.Restart(ctx, args...))
	if err := await.Until(ctx, fmt.Sprintf("the failure of %v", failing), func(ctx context.Context) error {
		failed := map[string]string{}
		for name, path := range probes() {
			code, body := raw(ctx, reader, "/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/"+path)
			if code != 200 || !strings.Contains(body, `"value":"5"`) {
				failed[name] = fmt.Sprintf("%d %s", code, body)
			}
		}
		_, metrics, err := scrape(ctx, "/metrics")
		if err != nil {
			return err
		}
		if !strings.Contains(metrics, "kafka_lag_adapter_pods_age_seconds 0\n") {
			failed[upToDate] = "kafka_lag_adapter_pods_age_seconds is not 0"
		}
		if got := sortedKeys(failed); !slices.Equal(got, slices.Sorted(slices.Values(failing))) {
			return fmt.Errorf("these fail: %q", failed)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
