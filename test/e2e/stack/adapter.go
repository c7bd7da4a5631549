package stack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// What manifests/base calls its objects.
const (
	Namespace = "kafka-lag-adapter"
	Name      = "lag-adapter" // ServiceAccount, Deployment, Service
	overlay   = "overlays/own-ca"

	// ConfigFile is the configuration file that the Deployment mounts, and the adapters' own copy in the folder of the run.
	ConfigFile = "config.yaml"
	// ServerName is what the adapter's certificate is for.
	ServerName = Name + "." + Namespace + ".svc"
)

// Adapter is the product's adapter: a process of this machine in the place of
// the Deployment's pods. It listens where the Service is, runs with the arguments
// of the Deployment's container, and has the ServiceAccount's rights.
type Adapter struct {
	// URL is that of the metrics API, at the Service's address.
	URL string
	// WebURL is that of /metrics, /livez and /readyz.
	WebURL string
	// CA is the path of the CA that signed the serving certificate.
	CA string

	serving servingFiles
	name    string // the process's, and its log's
	stack   *Stack
	process *proc.Process
	client  *http.Client // trusts CA
	args    []string     // without those of Restart
}

// Process is the adapter's, to be hung or killed.
func (a *Adapter) Process() *proc.Process { return a.process }

// Deploy applies the manifests, starts the adapter, and waits until the API
// server takes its APIs for available. extra are arguments that take precedence
// over the Deployment's, each as --flag=value.
func (s *Stack) Deploy(ctx context.Context, extra ...string) error {
	serving, err := s.applyManifests(ctx)
	if err != nil {
		return fmt.Errorf("deploying the adapter: %w", err)
	}
	a, err := s.newAdapter(ctx, serving)
	if err != nil {
		return fmt.Errorf("deploying the adapter: %w", err)
	}
	if err := a.start(ctx, extra); err != nil {
		return fmt.Errorf("deploying the adapter: %w", err)
	}
	s.Adapter = a
	return s.waitAvailable(ctx)
}

// Restart stops the adapter, starts it with other extra arguments, and waits
// until it is ready.
func (a *Adapter) Restart(ctx context.Context, extra ...string) error {
	const grace = 15 * time.Second // above what the adapter allows itself
	if err := a.process.Stop(grace); err != nil {
		return err
	}
	return a.start(ctx, extra)
}

// Command runs a command of the adapter, such as check, with its arguments and
// rights, and returns the exit code and what it says.
func (a *Adapter) Command(ctx context.Context, words ...string) (code int, text string, err error) {
	cmd := exec.CommandContext(ctx, a.stack.layout.Product(Name), append(words, a.args...)...)
	out, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		err = nil
	}
	return cmd.ProcessState.ExitCode(), string(out), err
}

// RestartOnFile is Restart with a configuration file of the test's own, which
// says what clusters there are.
func (a *Adapter) RestartOnFile(ctx context.Context, config string, extra ...string) error {
	other := *a
	other.args = slices.DeleteFunc(slices.Clone(a.args), func(arg string) bool { return flagName(arg) == "--brokers" })
	err := other.Restart(ctx, append(extra, "--config="+config)...)
	a.process = other.process
	return err
}

// applyManifests applies the overlay for a serving certificate of one's own, with
// components if any are named, and returns the files of that certificate.
func (s *Stack) applyManifests(ctx context.Context, components ...string) (servingFiles, error) {
	manifests := filepath.Join(s.Dir, "manifests")
	if err := os.CopyFS(manifests, os.DirFS(s.layout.Manifests())); err != nil {
		return servingFiles{}, fmt.Errorf("copying the manifests: %w", err)
	}
	if err := addComponents(filepath.Join(manifests, overlay, "kustomization.yaml"), components); err != nil {
		return servingFiles{}, err
	}
	files, err := writeServing(filepath.Join(manifests, overlay))
	if err != nil {
		return servingFiles{}, err
	}
	if err := s.ControlPlane.CreateServiceNamespace(ctx, Namespace); err != nil {
		return servingFiles{}, err
	}
	if _, err := s.ControlPlane.Kubectl(ctx, "apply", "-k", filepath.Join(manifests, overlay)); err != nil {
		return servingFiles{}, err
	}
	_, err = s.ControlPlane.Kubectl(ctx, "-n", Namespace, "rollout", "status", "deployment/"+Name, "--timeout=60s")
	return files, err
}

// newAdapter works out how the adapter has to run here.
func (s *Stack) newAdapter(ctx context.Context, serving servingFiles) (*Adapter, error) {
	client := s.ControlPlane.Client
	deployment, err := client.AppsV1().Deployments(Namespace).Get(ctx, Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	pod := deployment.Spec.Template.Spec
	service, err := client.CoreV1().Services(Namespace).Get(ctx, Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	if service.Spec.Type != corev1.ServiceTypeClusterIP {
		return nil, fmt.Errorf("service %s is of type %s: the adapter can stand in only for a ClusterIP", Name, service.Spec.Type)
	}
	kubeconfig, err := s.ControlPlane.KubeconfigFor(ctx, Namespace, pod.ServiceAccountName)
	if err != nil {
		return nil, err
	}
	config, err := s.writeConfig(ctx)
	if err != nil {
		return nil, err
	}
	web, err := ports.Free(1)
	if err != nil {
		return nil, err
	}
	a := &Adapter{
		URL:    "https://" + net.JoinHostPort(service.Spec.ClusterIP, "443"),
		WebURL: fmt.Sprintf("http://127.0.0.1:%d", web[0]),
		CA:     serving.ca, serving: serving, name: Name, stack: s,
	}
	a.args, err = expand(override(pod.Containers[0].Args,
		"--config="+config, "--brokers="+s.Kafka.Bootstrap(),
		"--bind-address="+service.Spec.ClusterIP, "--secure-port=443",
		"--tls-cert-file="+serving.cert, "--tls-private-key-file="+serving.key,
		"--kubeconfig="+kubeconfig, "--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig,
		fmt.Sprintf("--web.listen-address=127.0.0.1:%d", web[0]),
	), pod.Containers[0].Env)
	a.client = trusting(serving.ca)
	return a, err
}

// writeConfig writes the configuration file that the Deployment mounts, and returns its path.
func (s *Stack) writeConfig(ctx context.Context) (string, error) {
	config, err := s.ControlPlane.Client.CoreV1().ConfigMaps(Namespace).Get(ctx, Name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	path := filepath.Join(s.Dir, ConfigFile)
	return path, os.WriteFile(path, []byte(config.Data[ConfigFile]), 0o644)
}

// trusting makes a client for the adapter, whose certificate has the Service's name. It reads the CA for each connection, as a rotation
// replaces it.
func trusting(caFile string) *http.Client {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		ca, err := os.ReadFile(caFile)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(ca)
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: ServerName, MinVersion: tls.VersionTLS12}}
		return dialer.DialContext(ctx, network, address)
	}
	return &http.Client{
		Timeout:   5 * time.Second, // of one look: the manifests' probes wait as long
		Transport: &http.Transport{DisableKeepAlives: true, DialTLSContext: dial},
	}
}

func (a *Adapter) start(ctx context.Context, extra []string) error {
	p, err := proc.Start(proc.Spec{
		Name: a.name, Path: a.stack.layout.Product(Name), Args: override(a.args, extra...), LogDir: a.stack.Dir,
	})
	if err != nil {
		return err
	}
	a.process = p
	err = p.Ready(ctx, a.Ready)
	if err != nil {
		// The Service's port is below 1024, which needs a right that root has.
		return errors.Join(fmt.Errorf("%w\nwhere port 443 is refused: run as root, or set sysctl net.ipv4.ip_unprivileged_port_start=443", err), p.Kill())
	}
	return nil
}

// waitAvailable waits until the API server reaches the adapter by its Service.
func (s *Stack) waitAvailable(ctx context.Context) error {
	_, err := s.ControlPlane.Kubectl(ctx, "wait", "--for=condition=Available", "--timeout=60s",
		"apiservice/v1beta1.custom.metrics.k8s.io", "apiservice/v1beta2.custom.metrics.k8s.io")
	return err
}
