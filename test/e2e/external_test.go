package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

const externalAPI = "/apis/external.metrics.k8s.io/v1beta1"

// withExternal applies the component external-metrics, as docs/external.md says, and runs the adapter with what the Deployment then
// has; until the test ends.
func withExternal(ctx context.Context, t *testing.T) {
	t.Helper()
	overlay := filepath.Join(shared.Dir, "manifests", "overlays", "own-ca")
	path := filepath.Join(overlay, "kustomization.yaml")
	before, err := os.ReadFile(path)
	suite.Try(t, err)
	with := string(before) + "components:\n  - ../../components/external-metrics\n"
	suite.Try(t, os.WriteFile(path, []byte(with), 0o600))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := shared.ControlPlane.Kubectl(ctx, "delete", "apiservice", "v1beta1.external.metrics.k8s.io")
		suite.Try(t, errors.Join(err, os.WriteFile(path, before, 0o600)))
		_, err = shared.ControlPlane.Kubectl(ctx, "apply", "-k", overlay)
		suite.Try(t, errors.Join(err, shared.Adapter.Restart(ctx, adapterArgs()...), await.Until(ctx, "the APIServices", available)))
	})
	kubectl(ctx, t, "apply", "-k", overlay)
	deployment, err := shared.ControlPlane.Client.AppsV1().Deployments(stack.Namespace).Get(ctx, stack.Name, metav1.GetOptions{})
	suite.Try(t, err)
	if args := deployment.Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--external-metrics") {
		t.Fatalf("with the component, the Deployment has %v", args)
	}
	suite.Try(t, shared.Adapter.Restart(ctx, append(adapterArgs(), "--external-metrics=true")...))
	kubectl(ctx, t, "wait", "--for=condition=Available", "--timeout=60s", "apiservice/v1beta1.external.metrics.k8s.io")
	suite.Try(t, await.Until(ctx, "the APIServices", available))
}

// TestExternal has the example of an External metric scale, by the sum over two groups: 42 records are 9 replicas.
func TestExternal(t *testing.T) {
	ctx := suite.Within(t, 4*time.Minute)
	const billing = "billing"
	ordersLag(ctx, t, 30)
	newGroup(ctx, t, billing, 2)
	suite.Try(t, shared.Workload().Produce(ctx, billing, 12))
	withExternal(ctx, t)
	applyExample(ctx, t, "hpa-external.yaml")
	awaitReplicas(ctx, t, 9)
	items, err := external(ctx, "default/kafka_consumergroup_lag?labelSelector=consumergroup+in+(orders,billing)")
	if want := map[string]string{orders: "30", billing: "12"}; err != nil || fmt.Sprint(items) != fmt.Sprint(want) {
		t.Errorf("the API has %v (%v), want %v", items, err, want)
	}
	for _, group := range []string{orders, billing} {
		suite.Try(t, shared.Workload().Consume(ctx, group, group, map[string]int{orders: 30, billing: 12}[group]))
	}
	awaitReplicas(ctx, t, 1)
	_, err = external(ctx, "default/kafka_consumergroup_lag?labelSelector=consumergroup%3Dno-such")
	if !notFound(err) {
		t.Errorf("of a group that does not exist: %v", err)
	}
}

// external asks for an External metric and returns the value of each group.
func external(ctx context.Context, path string) (map[string]string, error) {
	out, err := shared.ControlPlane.Kubectl(ctx, "get", "--raw", externalAPI+"/namespaces/"+path)
	if err != nil {
		return nil, err
	}
	var list struct {
		Items []struct {
			Labels map[string]string `json:"metricLabels"`
			Value  string            `json:"value"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, item := range list.Items {
		values[item.Labels["consumergroup"]] = item.Value
	}
	return values, nil
}

// notFound says whether kubectl was answered that something does not exist.
func notFound(err error) bool { return err != nil && strings.Contains(err.Error(), "(NotFound)") }
