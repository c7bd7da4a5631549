// Package controlplane runs a real Kubernetes control plane on loopback ports:
// etcd, kube-apiserver, kube-controller-manager, kube-scheduler, and kwok, which
// plays the kubelets. Pods are Ready on it without a process behind them.
package controlplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// The components, by the names of their binaries.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Kwok              = "kwok"
)

// Config says what to run. Bin, KwokConfig and Dir are needed.
type Config struct {
	Bin        string // folder of the components and of kubectl
	KwokConfig string // kwok's stages
	Dir        string // data, certificates, logs

	// Args are further arguments of a component, by its name; they take
	// precedence.
	Args map[string][]string
}

// ControlPlane is a running control plane.
type ControlPlane struct {
	// CA signs the API server's certificate and those of its clients; sign
	// with it what else the cluster should trust.
	CA *pki.CA
	// FrontProxyCA signs the certificate with which the API server shows
	// itself to aggregated API servers.
	FrontProxyCA *pki.CA
	// REST and Client have all rights.
	REST   *rest.Config
	Client kubernetes.Interface

	cfg       Config
	ports     map[string]int // by component
	peerPort  int            // etcd's to itself
	processes map[string]*proc.Process
}

// Start starts a new control plane and waits until it can run pods.
func Start(ctx context.Context, cfg Config) (*ControlPlane, error) {
	const tries = 3
	for try := 1; ; try++ {
		c, err := start(ctx, cfg)
		if err == nil {
			return c, nil
		}
		if try == tries || !proc.PortTaken(err) {
			return nil, fmt.Errorf("starting the control plane: %w", err)
		}
	}
}

func start(ctx context.Context, cfg Config) (*ControlPlane, error) {
	free, err := ports.Free(6)
	if err != nil {
		return nil, err
	}
	c := &ControlPlane{cfg: cfg, processes: map[string]*proc.Process{}, peerPort: free[5], ports: map[string]int{
		Etcd: free[0], APIServer: free[1], ControllerManager: free[2], Scheduler: free[3], Kwok: free[4],
	}}
	if err := os.RemoveAll(c.file("etcd")); err != nil {
		return nil, err
	}
	if err := c.writeFiles(); err != nil {
		return nil, err
	}
	if err := c.connect(); err != nil {
		return nil, err
	}
	if err := c.startAll(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// startAll starts the components in the order of their needs.
func (c *ControlPlane) startAll(ctx context.Context) error {
	for _, component := range []string{Etcd, APIServer} {
		if err := c.StartComponent(ctx, component); err != nil {
			return err
		}
	}
	if err := c.createNodes(ctx); err != nil {
		return err
	}
	for _, component := range []string{ControllerManager, Scheduler, Kwok} {
		if err := c.launch(component); err != nil {
			return err
		}
	}
	for _, component := range []string{ControllerManager, Scheduler, Kwok} {
		if err := c.ready(ctx, component); err != nil {
			return err
		}
	}
	return nil
}

// StartComponent starts a component, also again after its end, and waits until
// it is ready.
func (c *ControlPlane) StartComponent(ctx context.Context, component string) error {
	if err := c.launch(component); err != nil {
		return err
	}
	return c.ready(ctx, component)
}

// Process is a component's, to be hung or killed; nil before its start.
func (c *ControlPlane) Process(component string) *proc.Process { return c.processes[component] }

// Processes are all components that were started.
func (c *ControlPlane) Processes() map[string]*proc.Process { return maps.Clone(c.processes) }

// Close ends the control plane for good. Its data goes, its logs stay.
func (c *ControlPlane) Close() error {
	var errs []error
	for _, component := range []string{Kwok, Scheduler, ControllerManager, APIServer, Etcd} {
		if p := c.processes[component]; p != nil {
			errs = append(errs, p.Kill())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(c.file("etcd")))...)
}

// Kubectl runs kubectl with all rights and returns what it printed. Its
// complaints are in the error.
func (c *ControlPlane) Kubectl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.KubectlPath(), append([]string{"--kubeconfig", c.Kubeconfig()}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// KubectlPath is the path of kubectl.
func (c *ControlPlane) KubectlPath() string { return filepath.Join(c.cfg.Bin, "kubectl") }

// Kubeconfig is the path of a kubeconfig with all rights.
func (c *ControlPlane) Kubeconfig() string { return c.file("admin.kubeconfig") }

// ClientCAFile is the path of the CA of the API server and its clients.
func (c *ControlPlane) ClientCAFile() string { return c.file("ca.crt") }

// AuditLog is the path of the API server's audit log: one JSON event per line.
func (c *ControlPlane) AuditLog() string { return c.file("audit.log") }

// URL is the API server's address.
func (c *ControlPlane) URL() string { return c.url(APIServer) }

func (c *ControlPlane) url(component string) string {
	return fmt.Sprintf("https://127.0.0.1:%d", c.ports[component])
}

func (c *ControlPlane) file(name string) string { return filepath.Join(c.cfg.Dir, name) }

// connect makes the clients with all rights.
func (c *ControlPlane) connect() error {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 200, 400 // the client's own limits must not slow a test
	c.REST = config
	c.Client, err = kubernetes.NewForConfig(config)
	return err
}
