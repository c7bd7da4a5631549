package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestSidecarExample applies the example of the sidecar, and runs lag-exporter with that container's arguments.
func TestSidecarExample(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	ordersLag(ctx, t, 7)
	kubectl(ctx, t, "apply", "-f", example("sidecar.yaml"))
	t.Cleanup(func() {
		if _, err := shared.ControlPlane.Kubectl(context.Background(), "delete", "-f", example("sidecar.yaml")); err != nil {
			t.Error(err)
		}
	})
	kubectl(ctx, t, "-n", namespace, "rollout", "status", "deployment/consumer-with-exporter", "--timeout=60s")

	where, err := layout.Find()
	suite.Try(t, err)
	e, err := exporter.Start(ctx, where, shared.Dir, "lag-exporter", sidecarArgs(t)...)
	suite.Try(t, err)
	t.Cleanup(func() { suite.Try(t, e.Stop()) })
	lag := series.Name("kafka_consumergroup_lag_sum", "consumergroup", orders, "topic", orders)
	suite.Try(t, await.Until(ctx, "the lag in the sidecar's /metrics", func(ctx context.Context) error {
		got, err := e.Scrape(ctx)
		if err == nil && got[lag] != 7 {
			err = fmt.Errorf("a lag of %v, want 7", got[lag])
		}
		return err
	}))
}

// sidecarArgs returns the arguments of the example's lag-exporter, with this Kafka's address.
func sidecarArgs(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(example("sidecar.yaml"))
	suite.Try(t, err)
	var deployment appsv1.Deployment
	suite.Try(t, yaml.Unmarshal(text, &deployment))
	for _, c := range deployment.Spec.Template.Spec.Containers {
		if c.Name != "lag-exporter" {
			continue
		}
		for i, arg := range c.Args {
			if strings.HasPrefix(arg, "--brokers=") {
				c.Args[i] = "--brokers=" + shared.Kafka.Bootstrap()
			}
		}
		return c.Args
	}
	t.Fatal("sidecar.yaml has no container lag-exporter")
	return nil
}
