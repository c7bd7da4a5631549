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
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// TestSidecarExample applies the example of the sidecar, and runs lag-exporter with that container's arguments.
func TestSidecarExample(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	ordersLag(ctx, t, 7)
	kubectl(ctx, t, "apply", "-f", example("sidecar.yaml"))
	t.Cleanup(func() {
		if _, err := shared.ControlPlane.Kubectl(context.Background(), "delete", "-f", example("sidecar.yaml")); err != nil {
			t.Error(err)
		}
	})
	kubectl(ctx, t, "-n", namespace, "rollout", "status", "deployment/consumer-with-exporter", "--timeout=60s")

	url := startExporter(ctx, t, sidecarArgs(t))
	try(t, await.Until(ctx, "the lag in the sidecar's /metrics", func(ctx context.Context) error {
		_, body, err := fetch(ctx, url+"/metrics")
		if err != nil {
			return err
		}
		if !strings.Contains(body, `kafka_consumergroup_lag_sum{consumergroup="orders",topic="orders"} 7`) {
			return fmt.Errorf("no lag of 7 in /metrics")
		}
		return nil
	}))
}

// sidecarArgs returns the arguments of the example's lag-exporter.
func sidecarArgs(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(example("sidecar.yaml"))
	try(t, err)
	var deployment appsv1.Deployment
	try(t, yaml.Unmarshal(text, &deployment))
	for _, c := range deployment.Spec.Template.Spec.Containers {
		if c.Name == "lag-exporter" {
			return c.Args
		}
	}
	t.Fatal("sidecar.yaml has no container lag-exporter")
	return nil
}

func startExporter(ctx context.Context, t *testing.T, args []string) (url string) {
	t.Helper()
	where, err := layout.Find()
	try(t, err)
	port, err := ports.Free(1)
	try(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", port[0])
	for i, arg := range args {
		if strings.HasPrefix(arg, "--brokers=") {
			args[i] = "--brokers=" + shared.Kafka.Bootstrap()
		}
	}
	p, err := proc.Start(proc.Spec{
		Name: "lag-exporter", Path: where.Product("lag-exporter"), Args: append(args, "--web.listen-address="+address), LogDir: shared.Dir,
	})
	try(t, err)
	t.Cleanup(func() {
		try(t, p.Stop(15*time.Second))
		if code, err := p.ExitCode(context.Background()); err != nil || code != 0 {
			t.Errorf("lag-exporter: exit code %d, %v", code, err)
		}
	})
	try(t, p.Ready(ctx, func(ctx context.Context) error {
		status, body, err := fetch(ctx, "http://"+address+"/readyz")
		if err == nil && status != 200 {
			err = fmt.Errorf("/readyz answers %d %s", status, body)
		}
		return err
	}))
	return "http://" + address
}
