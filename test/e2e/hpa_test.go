package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestHPA lets the real HPA controller scale the example's Deployment by the lag of a real group: 42 records at a target of 5
// are 9 replicas, and none are the minimum. Once with a Pods metric and once with an Object metric.
func TestHPA(t *testing.T) {
	for _, hpa := range []string{"hpa-pods.yaml", "hpa-object.yaml"} {
		t.Run(hpa, func(t *testing.T) {
			ctx := suite.Within(t, 5*time.Minute)
			ordersLag(ctx, t, 42)
			applyExample(ctx, t, hpa)
			awaitReplicas(ctx, t, 9)
			checkAnswers(ctx, t, 42, 9)
			suite.Try(t, shared.Workload().Consume(ctx, orders, orders, 42))
			checkLag(ctx, t, orders, orders, 0)
			awaitReplicas(ctx, t, 1)
			checkAnswers(ctx, t, 0, 1)
		})
	}
}

// checkAnswers asks by kubectl, in both versions: the values of the pods add up to the lag, the Deployment's value is the lag,
// and each is as old as the reading of the commits.
func checkAnswers(ctx context.Context, t *testing.T, lag int64, pods int) {
	t.Helper()
	for _, version := range []string{"v1beta1", "v1beta2"} {
		for path, items := range map[string]int{
			"/namespaces/default/pods/*/kafka_consumergroup_lag?labelSelector=app%3Dconsumer&metricLabelSelector=consumergroup%3Dorders": pods,
			"/namespaces/default/deployments.apps/consumer/kafka_consumergroup_lag?metricLabelSelector=consumergroup%3Dorders":           1,
		} {
			suite.Try(t, await.Until(ctx, version+path, func(ctx context.Context) error {
				before := time.Now()
				values, err := rawMetric(ctx, version+path)
				if err != nil {
					return err
				}
				for _, item := range values.Items {
					if age := before.Sub(item.Timestamp.Time); age < -time.Second || age > maxAge {
						t.Errorf("%s of %s has the timestamp %s, which is %s old", path, item.DescribedObject.Name, item.Timestamp, age)
					}
				}
				sum, err := values.sum()
				if err == nil && (len(values.Items) != items || sum != lag) {
					err = fmt.Errorf("%d items that add up to %d, want %d items and %d", len(values.Items), sum, items, lag)
				}
				return err
			}))
		}
	}
}

// TestHPAWrongGroup gives the HPA a group that does not exist: it says which, and the replicas stay.
func TestHPAWrongGroup(t *testing.T) {
	ctx := suite.Within(t, 5*time.Minute)
	ordersLag(ctx, t, 42)
	applyExample(ctx, t, "hpa-pods.yaml")
	awaitReplicas(ctx, t, 9)
	kubectl(ctx, t, "patch", "hpa", consumer, "--type=json",
		`-p=[{"op": "replace", "path": "/spec/metrics/0/pods/metric/selector/matchLabels/consumergroup", "value": "odrers"}]`)
	suite.Try(t, await.Until(ctx, "the HPA to say that the group does not exist", func(ctx context.Context) error {
		c, err := scalingActive(ctx, consumer)
		if err != nil {
			return err
		}
		if c.Status != "False" || c.Reason != "FailedGetPodsMetric" || !strings.Contains(c.Message, "odrers") {
			return fmt.Errorf("%s: %s: %s", c.Status, c.Reason, c.Message)
		}
		return nil
	}))
	_, err := rawMetric(ctx, "v1beta2/namespaces/default/pods/*/kafka_consumergroup_lag?labelSelector=app%3Dconsumer&metricLabelSelector=consumergroup%3Dodrers")
	if err == nil || !strings.Contains(err.Error(), "NotFound") || !strings.Contains(err.Error(), "odrers") {
		t.Errorf("kubectl says %v", err)
	}
	holdReplicas(ctx, t, 9, 20*time.Second)
}

// holdReplicas watches for some time that the number of replicas stays: longer than the HPA's stabilization window here.
func holdReplicas(ctx context.Context, t *testing.T, n int32, watch time.Duration) {
	t.Helper()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(watch); time.Now().Before(end); <-tick.C {
		if got, err := replicas(ctx); err != nil || got != n {
			t.Fatalf("%d replicas (%v), want them to stay %d", got, err, n)
		}
	}
}

// TestREADMEExamples holds the metrics of the README's HPAs against those of manifests/examples, which the tests run.
func TestREADMEExamples(t *testing.T) {
	where, err := layout.Find()
	suite.Try(t, err)
	readme, err := os.ReadFile(filepath.Join(where.Root, "README.md"))
	suite.Try(t, err)
	blocks := regexp.MustCompile("(?s)```yaml\n(metrics:.*?)```").FindAllStringSubmatch(string(readme), -1)
	files := []string{"hpa-members.yaml", "hpa-object.yaml"}
	if len(blocks) != len(files) {
		t.Fatalf("the README has %d HPA examples, want %d", len(blocks), len(files))
	}
	for i, name := range files {
		var shown struct {
			Metrics any `json:"metrics"`
		}
		var applied struct {
			Spec struct {
				Metrics any `json:"metrics"`
			} `json:"spec"`
		}
		text, err := os.ReadFile(example(name))
		suite.Try(t, err)
		suite.Try(t, yaml.Unmarshal([]byte(blocks[i][1]), &shown))
		suite.Try(t, yaml.Unmarshal(text, &applied))
		if !reflect.DeepEqual(shown.Metrics, applied.Spec.Metrics) {
			a, _ := json.Marshal(shown.Metrics)
			b, _ := json.Marshal(applied.Spec.Metrics)
			t.Errorf("the README shows\n%s\nand %s has\n%s", a, name, b)
		}
	}
}
