package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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

// auditEvent is what we look at of a line of the audit log.
type auditEvent struct {
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	RequestURI     string `json:"requestURI"`
	Verb           string `json:"verb"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// TestRights: the adapter asks kube-apiserver as its own ServiceAccount, for what manifests/base grants and nothing else.
func TestRights(t *testing.T) {
	ctx := within(t, time.Minute)
	const user = "system:serviceaccount:kafka-lag-adapter:lag-adapter"
	try(t, await.Until(ctx, "requests of the adapter in the audit log", func(context.Context) error {
		file, err := os.Open(filepath.Clean(shared.ControlPlane.AuditLog()))
		if err != nil {
			return err
		}
		defer file.Close()
		seen := map[string]bool{}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 10<<20)
		for lines.Scan() {
			var event auditEvent
			if json.Unmarshal(lines.Bytes(), &event) != nil || event.User.Username != user {
				continue
			}
			seen[event.Verb] = true
			if event.ResponseStatus.Code == 401 || event.ResponseStatus.Code == 403 {
				t.Errorf("%s %s: %d", event.Verb, event.RequestURI, event.ResponseStatus.Code)
			}
		}
		// The pod list comes as the beginning of a watch. create: TokenReviews and SubjectAccessReviews.
		if !seen["watch"] || !seen["create"] || !seen["get"] {
			return fmt.Errorf("only %v", seen)
		}
		return lines.Err()
	}))
}
