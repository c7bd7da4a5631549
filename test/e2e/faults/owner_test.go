package faults

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/watch"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/helm"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
)

// anotherInstall has somebody install the chart where the APIs have an owner already: Helm refuses, says who that is, and leaves nothing
// behind. With a foreign adapter as the owner, test/e2e/deploy shows the same.
func anotherInstall(ctx context.Context, w *world, lasts time.Duration) error {
	const second = "second"
	before, err := w.owners(ctx)
	if err != nil {
		return err
	}
	h := helm.Helm{Path: w.where.Tool("helm"), Kubeconfig: w.ControlPlane.Kubeconfig(), Home: filepath.Join(w.Dir, "helm")}
	if err := os.MkdirAll(h.Home, 0o755); err != nil {
		return err
	}
	_, err = h.Run(ctx, "install", second, filepath.Join(w.where.Manifests(), "chart"), "--namespace="+second, "--create-namespace",
		"--set=brokers={"+w.Kafka.Bootstrap()+"}", "--set=externalMetrics.enabled=true")
	for _, want := range []string{"is served by Service " + stack.Name + " in namespace " + stack.Namespace, "uninstall the other", "takeOver=true"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			return fmt.Errorf("the second install: %w, without %q", err, want)
		}
	}
	if err := elapse(ctx, lasts); err != nil {
		return err
	}
	if out, err := h.Run(ctx, "list", "--all-namespaces", "--short"); err != nil || strings.TrimSpace(out) != "" {
		return fmt.Errorf("releases after the refusal: %s (%w)", out, err)
	}
	if _, err := w.ControlPlane.Client.CoreV1().Namespaces().Get(ctx, second, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return fmt.Errorf("namespace %s after the refusal: %w", second, err)
	}
	after, err := w.owners(ctx)
	if err == nil && after != before {
		err = fmt.Errorf("the APIServices are %s after the refusal, were %s", after, before)
	}
	return err
}

// owners are the specs of the APIServices, and which version of each there is of it.
func (w *world) owners(ctx context.Context) (string, error) {
	return w.ControlPlane.Kubectl(ctx, append([]string{"get", "apiservice", "-o", `jsonpath={range .items[*]}{.metadata.uid} {.spec}{"\n"}{end}`}, watch.APIServices()...)...)
}
