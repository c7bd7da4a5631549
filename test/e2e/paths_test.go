package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestDocumentedPaths runs every `kubectl get --raw` of the README and the docs, with what they are about: the example's Deployment,
// with a consumer on its pods, and the namespace team-a, with another.
func TestDocumentedPaths(t *testing.T) {
	ctx := suite.Within(t, 3*time.Minute)
	ordersLag(ctx, t, 42)
	newGroup(ctx, t, "billing", 2)
	withExternal(ctx, t)
	applyExample(ctx, t)
	kubectl(ctx, t, "annotate", "deployment", consumer, "kafka-lag-adapter/consumergroup="+orders)
	kubectl(ctx, t, "create", "namespace", "team-a")
	t.Cleanup(func() { kubectl(context.WithoutCancel(ctx), t, "delete", "namespace", "team-a", "--wait=false") })
	kubectl(ctx, t, "-n", "team-a", "create", "deployment", "reader", "--image=none")
	kubectl(ctx, t, "-n", "team-a", "annotate", "deployment", "reader", "kafka-lag-adapter/consumergroup="+orders)

	paths := documented(t)
	if len(paths) < 3 {
		t.Fatalf("the docs have only the paths %q", paths)
	}
	paths = append(paths,
		"/apis/custom.metrics.k8s.io/v1beta1/namespaces/default/pods/*/kafka_consumergroup_lag", // of all pods
		"/apis/custom.metrics.k8s.io/v1beta1/namespaces/default/deployments.apps/*/kafka_consumergroup_lag?labelSelector=app%3Dconsumer",
		"/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/deployments.apps/consumer/kafka_consumergroup_lag",
	)
	for _, path := range paths {
		suite.Try(t, await.Until(ctx, path, func(ctx context.Context) error {
			out, err := shared.ControlPlane.Kubectl(ctx, "get", "--raw", path)
			if err != nil {
				return err
			}
			var list metricValues
			if err := json.Unmarshal([]byte(out), &list); err != nil {
				return err
			}
			if len(list.Items) == 0 {
				t.Errorf("%s: %s", path, out)
			}
			return nil
		}))
	}
	awaitMetric(ctx, t, "v1beta2/namespaces/team-a/metrics/kafka_consumergroup_lag", 42)
}

// documented returns the paths of the README and the docs.
func documented(t *testing.T) (paths []string) {
	t.Helper()
	where, err := layout.Find()
	suite.Try(t, err)
	docs, err := filepath.Glob(filepath.Join(where.Root, "docs", "*.md"))
	suite.Try(t, err)
	for _, file := range append(docs, filepath.Join(where.Root, "README.md")) {
		text, err := os.ReadFile(file)
		suite.Try(t, err)
		for _, command := range regexp.MustCompile(`(?m)kubectl get --raw +"?([^"\s]+)"?`).FindAllStringSubmatch(string(text), -1) {
			if strings.HasPrefix(command[1], "/") {
				paths = append(paths, command[1])
			}
		}
	}
	return paths
}

// TestAPIDocuments looks at what clients look at before they ask: the groups, their versions and resources, and OpenAPI.
func TestAPIDocuments(t *testing.T) {
	ctx := suite.Within(t, 3*time.Minute) // the API server asks for OpenAPI once a minute
	withExternal(ctx, t)
	for path, wants := range map[string][]string{
		"/apis/custom.metrics.k8s.io":   {`"groupVersion":"custom.metrics.k8s.io/v1beta1"`, `"groupVersion":"custom.metrics.k8s.io/v1beta2"`},
		"/apis/external.metrics.k8s.io": {`"groupVersion":"external.metrics.k8s.io/v1beta1"`},
		"/apis/custom.metrics.k8s.io/v1beta1": {
			`"name":"pods/kafka_consumergroup_lag","singularName":"","namespaced":true`, `"name":"namespaces/kafka_consumergroup_lag","singularName":"","namespaced":false`,
		},
		"/apis/custom.metrics.k8s.io/v1beta2": {`"pods/kafka_consumergroup_members"`, `"kafkatopics.kafka.strimzi.io/kafka_consumergroup_lag"`},
		externalAPI:                           {`"name":"kafka_consumergroup_lag","singularName":"","namespaced":true`},
		"/openapi/v2":                         {"custom.metrics.k8s.io/v1beta1", "custom.metrics.k8s.io/v1beta2"},
		"/openapi/v3":                         {"apis/custom.metrics.k8s.io/v1beta2", "apis/external.metrics.k8s.io/v1beta1"},
	} {
		suite.Try(t, await.Until(ctx, path, func(ctx context.Context) error {
			out, err := shared.ControlPlane.Kubectl(ctx, "get", "--raw", path)
			if err != nil {
				return err
			}
			return containsAll(out, wants)
		}))
	}
}
