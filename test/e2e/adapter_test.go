package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// What all tests run the adapter with, besides the Deployment's arguments: short times, so that an outage shows soon.
const (
	pollInterval = time.Second
	maxAge       = 10 * time.Second
)

func adapterArgs() []string {
	return []string{"--poll-interval=" + pollInterval.String(), "--max-age=" + maxAge.String(), "--log-level=debug"} // for the search for secrets
}

// The names in manifests/examples.
const (
	namespace = "default"
	consumer  = "consumer" // the Deployment and its HPA
	orders    = "orders"   // the topic and the group
	target    = 5          // records of lag per replica
)

// metricValues is a MetricValueList of either version.
type metricValues struct {
	Items []struct {
		DescribedObject corev1.ObjectReference `json:"describedObject"`
		Timestamp       metav1.Time            `json:"timestamp"`
		Value           resource.Quantity      `json:"value"`
	} `json:"items"`
}

// rawMetric asks the metrics API through kube-apiserver, as kubectl does.
func rawMetric(ctx context.Context, path string) (metricValues, error) {
	var values metricValues
	out, err := shared.ControlPlane.Kubectl(ctx, "get", "--raw", "/apis/custom.metrics.k8s.io/"+path)
	if err != nil {
		return values, err
	}
	return values, json.Unmarshal([]byte(out), &values)
}

// byName returns the value of each described object.
func (m metricValues) byName() (map[string]int64, error) {
	values := map[string]int64{}
	for _, item := range m.Items {
		n, exact := item.Value.AsInt64() // 3000 is written 3k
		if !exact {
			return nil, fmt.Errorf("the value of %s is no whole number: %s", item.DescribedObject.Name, &item.Value)
		}
		values[item.DescribedObject.Name] = n
	}
	return values, nil
}

// sum adds up the values of the items.
func (m metricValues) sum() (int64, error) {
	values, err := m.byName()
	var total int64
	for _, n := range values {
		total += n
	}
	return total, err
}

// scrape gets a path of the adapter's plain port.
func scrape(ctx context.Context, path string) (status int, body string, err error) {
	return fetch(ctx, shared.Adapter.WebURL+path)
}

func fetch(ctx context.Context, url string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	return do(request)
}

func do(request *http.Request) (status int, body string, err error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// replicas is how many the HPA wants of the example's Deployment now.
func replicas(ctx context.Context) (int32, error) {
	deployment, err := shared.ControlPlane.Client.AppsV1().Deployments(namespace).Get(ctx, consumer, metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	return *deployment.Spec.Replicas, nil
}

// awaitReplicas waits until the example's Deployment has n replicas, all of them ready, and the HPA wants no other number.
func awaitReplicas(ctx context.Context, t *testing.T, n int32) {
	t.Helper()
	awaitReplicasOf(ctx, t, consumer, n)
}

// awaitReplicasOf is awaitReplicas for the Deployment and the HPA of that name.
func awaitReplicasOf(ctx context.Context, t *testing.T, name string, n int32) {
	t.Helper()
	suite.Try(t, await.Until(ctx, fmt.Sprintf("%d replicas of %s", n, name), func(ctx context.Context) error {
		hpa, err := shared.ControlPlane.Client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		deployment, err := shared.ControlPlane.Client.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if got := deployment.Status.ReadyReplicas; got != n || *deployment.Spec.Replicas != n || hpa.Status.DesiredReplicas != n {
			return fmt.Errorf("%d ready, %d asked for, %d desired by the HPA, whose conditions are %s", got, *deployment.Spec.Replicas,
				hpa.Status.DesiredReplicas, conditions(hpa))
		}
		return nil
	}))
}

func conditions(hpa *autoscalingv2.HorizontalPodAutoscaler) string {
	var all []string
	for _, c := range hpa.Status.Conditions {
		all = append(all, fmt.Sprintf("%s=%s (%s: %s)", c.Type, c.Status, c.Reason, c.Message))
	}
	return strings.Join(all, "; ")
}

// scalingActive returns the HPA's condition of that name.
func scalingActive(ctx context.Context, name string) (autoscalingv2.HorizontalPodAutoscalerCondition, error) {
	hpa, err := shared.ControlPlane.Client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return autoscalingv2.HorizontalPodAutoscalerCondition{}, err
	}
	for _, c := range hpa.Status.Conditions {
		if c.Type == autoscalingv2.ScalingActive {
			return c, nil
		}
	}
	return autoscalingv2.HorizontalPodAutoscalerCondition{}, fmt.Errorf("the HPA has no condition %s yet", autoscalingv2.ScalingActive)
}

// example is the path of a file of manifests/examples, as applied with the rest.
func example(name string) string { return filepath.Join(shared.Dir, "manifests", "examples", name) }

// applyExample applies the consumer and what else of the examples it is given, and deletes it all when the test ends.
func applyExample(ctx context.Context, t *testing.T, files ...string) {
	t.Helper()
	for _, file := range append([]string{"consumer.yaml"}, files...) {
		kubectl(ctx, t, "apply", "-f", example(file))
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if _, err := shared.ControlPlane.Kubectl(ctx, "delete", "-f", example(file), "--wait"); err != nil {
				t.Error(err)
			}
		})
	}
}

// ordersLag brings the lag of the group orders to n, and has the oracle confirm it.
func ordersLag(ctx context.Context, t *testing.T, n int) {
	t.Helper()
	newGroup(ctx, t, orders, 12)
	if n > 0 {
		suite.Try(t, shared.Workload().Produce(ctx, orders, n))
	}
	checkLag(ctx, t, orders, orders, int64(n))
}

// newGroup creates a topic, unless it is there, and a group of the same name that has committed the ends of all its partitions: the
// records to come are its lag.
func newGroup(ctx context.Context, t *testing.T, name string, partitions int32) {
	t.Helper()
	kafka := shared.Workload()
	offsets, err := shared.Oracle.Offsets(ctx)
	suite.Try(t, err)
	commits := map[int32]int64{}
	for _, p := range offsets.Partitions {
		if p.Topic == name {
			commits[p.Partition.Partition] = p.HighWatermark
		}
	}
	if len(commits) == 0 {
		suite.Try(t, kafka.CreateTopic(ctx, name, partitions))
		for p := range partitions {
			commits[p] = 0
		}
	}
	suite.Try(t, kafka.Commit(ctx, name, name, commits))
}
