package deploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestExistingSecret installs with a certificate of the owner's, whose CA the chart takes from the Secret. Written anew, it is served.
func TestExistingSecret(t *testing.T) {
	ctx := suite.Within(t, 3*time.Minute)
	ca, err := pki.NewCA("the owner's")
	suite.Try(t, err)
	write := func() {
		pair, err := ca.Server(release + "." + namespace + ".svc")
		suite.Try(t, err)
		dir := t.TempDir()
		args := []string{"-n", namespace, "create", "secret", "generic", "mine", "--dry-run=client", "-o", "yaml"}
		for name, content := range map[string][]byte{"ca.crt": ca.Cert, "tls.crt": pair.Cert, "tls.key": pair.Key} {
			suite.Try(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
			args = append(args, "--from-file="+filepath.Join(dir, name))
		}
		manifest := filepath.Join(dir, "secret.yaml")
		suite.Try(t, os.WriteFile(manifest, []byte(kubectl(ctx, t, args...)), 0o600))
		kubectl(ctx, t, "apply", "-f", manifest)
	}
	applyNamespace(ctx, t)
	write()
	install(ctx, t, "--set=certificates.source=existing", "--set=certificates.existing.secret=mine")
	replaced(ctx, t, write)
}

// TestCertManager installs with cert-manager, whose injector fills in the CA, and has it renew the certificate.
func TestCertManager(t *testing.T) {
	ctx := suite.Within(t, 3*time.Minute)
	for _, kind := range shared.crds(t) {
		kubectl(ctx, t, "apply", "--server-side", "-f", kind)
	}
	kubectl(ctx, t, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
	manager, err := proc.Start(proc.Spec{
		Name: "cert-manager", Path: shared.Layout.Tool("cert-manager"), LogDir: shared.Dir, Args: []string{"--kubeconfig=" + shared.ControlPlane.Kubeconfig()},
	})
	suite.Try(t, err)
	t.Cleanup(func() { suite.Try(t, manager.Kill()) })
	applyNamespace(ctx, t)
	install(ctx, t, "--set=certificates.source=cert-manager")
	replaced(ctx, t, func() { // as cmctl renew does
		kubectl(ctx, t, "-n", namespace, "patch", "certificate", tlsSecret, "--subresource=status", "--type=json", `-p=[{"op": "add",
			"path": "/status/conditions/-", "value": {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "by the test"}}]`)
	})
}

// applyNamespace makes the namespace, which enforces the restricted Pod Security Standard, until the test ends.
func applyNamespace(ctx context.Context, t *testing.T) {
	t.Helper()
	kubectl(ctx, t, "apply", "-f", filepath.Join(shared.Layout.Manifests(), "base", "namespace.yaml"))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		kubectl(ctx, t, "delete", "namespace", namespace)
	})
}

// install installs the release, until the test ends, and waits until the HPA scales by it.
func install(ctx context.Context, t *testing.T, sets ...string) {
	t.Helper()
	applyConsumer(ctx, t)
	shared.helm(ctx, t, append(append([]string{"install", release, chart(), "--wait", "--timeout=90s"}, values()...), sets...)...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		shared.helm(ctx, t, "uninstall", release, "--wait")
	})
	awaitAvailable(ctx, t)
	awaitReplicas(ctx, t, scaled)
}

func awaitAvailable(ctx context.Context, t *testing.T) {
	t.Helper()
	kubectl(ctx, t, "wait", "--for=condition=Available", "--timeout=60s", "apiservice/v1beta1.custom.metrics.k8s.io", "apiservice/v1beta2.custom.metrics.k8s.io")
}

// replaced does something after which the pods must serve another certificate.
func replaced(ctx context.Context, t *testing.T, do func()) {
	t.Helper()
	changes(ctx, t, servedSerial, do)
}

// changes does something after which something else must be seen at each pod, by its address: without a restart, and without an HPA that notices.
func changes(ctx context.Context, t *testing.T, see func(ctx context.Context, ip string) (string, error), do func()) {
	t.Helper()
	pods := ourPods(ctx, t)
	seen := map[string]string{}
	for _, p := range pods {
		now, err := see(ctx, p.Status.PodIP)
		suite.Try(t, err)
		seen[p.Status.PodIP] = now
	}
	hpaHolds(ctx, t, func() {
		do()
		suite.Try(t, await.Until(ctx, "the change at all pods", func(ctx context.Context) error {
			for ip, before := range seen {
				if now, err := see(ctx, ip); err != nil || now == before {
					return fmt.Errorf("at %s it is %s as before (%w)", ip, now, err)
				}
			}
			return nil
		}))
	})
	for i, now := range ourPods(ctx, t) {
		if now.UID != pods[i].UID || now.Status.ContainerStatuses[0].RestartCount != pods[i].Status.ContainerStatuses[0].RestartCount {
			t.Errorf("pod %s is new or has been restarted", now.Name)
		}
	}
}
