// Package deploy installs the product by its Helm chart on a real control plane, with real Helm, and runs its pods as they are described, behind
// a real kube-proxy: in a network namespace, where the addresses of pods and Services are real.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/brokers"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/controlplane"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/helm"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kubelet"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/netns"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

const (
	serviceRange = "10.96.0.0/16"
	podRange     = "10.244.200.0/24" // of the pods that run; kwok's are in another part of 10.244.0.0/16
	host         = "10.10.0.1"
	ours         = "app.kubernetes.io/part-of" // label of the pods that run
	product      = "kafka-lag-adapter"         // its value
)

// network is that of the namespace in which all of it runs.
func network() netns.Config {
	return netns.Config{Host: host, Local: []string{podRange}, Services: serviceRange}
}

// Cluster is a Kafka, and a Kubernetes in which the product's pods really run.
type Cluster struct {
	*brokers.Brokers
	ControlPlane *controlplane.ControlPlane
	Kubelet      *kubelet.Kubelet
	Helm         helm.Helm
	Dir          string
	Layout       layout.Layout
	Secured      Secured

	proxy *proc.Process
}

// Start starts all of it.
func Start(ctx context.Context, where layout.Layout, dir string) (*Cluster, error) {
	c := &Cluster{Dir: dir, Layout: where}
	var listeners []kafka.Listener
	var err error
	if c.Secured, listeners, err = secureListeners(dir); err != nil {
		return nil, err
	}
	g, started := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		c.Brokers, err = brokers.Start(started, where, dir, kafka.Config{Nodes: 1, Listeners: listeners})
		return err
	})
	g.Go(func() error { return c.startKubernetes(started) })
	if err := g.Wait(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) startKubernetes(ctx context.Context) error {
	stages, err := c.leaveOurs()
	if err != nil {
		return err
	}
	c.ControlPlane, err = controlplane.Start(ctx, controlplane.Config{
		Bin: filepath.Dir(c.Layout.Tool("kubectl")), KwokConfig: stages, Dir: filepath.Join(c.Dir, "controlplane"),
		Args: map[string][]string{controlplane.APIServer: {"--service-cluster-ip-range=" + serviceRange, "--advertise-address=" + host}},
	})
	if err != nil {
		return err
	}
	c.Helm = helm.Helm{Path: c.Layout.Tool("helm"), Kubeconfig: c.ControlPlane.Kubeconfig(), Home: filepath.Join(c.Dir, "helm")}
	if c.Kubelet, err = c.startKubelet(); err != nil {
		return err
	}
	return c.startProxy()
}

// leaveOurs writes kwok's stages so that they leave the product's pods alone.
func (c *Cluster) leaveOurs() (string, error) {
	stages, err := os.ReadFile(c.Layout.KwokConfig())
	if err != nil {
		return "", err
	}
	const pods = "    kind: Pod\n  selector:\n    matchExpressions:\n"
	text := strings.ReplaceAll(string(stages), pods, pods+
		"    - key: '.metadata.labels[\""+ours+"\"]'\n      operator: 'NotIn'\n      values:\n      - '"+product+"'\n")
	if text == string(stages) {
		return "", fmt.Errorf("%s has no stage of pods to add to", c.Layout.KwokConfig())
	}
	path := filepath.Join(c.Dir, "kwok.yaml")
	return path, os.WriteFile(path, []byte(text), 0o600)
}

func (c *Cluster) startKubelet() (*kubelet.Kubelet, error) {
	server, err := url.Parse(c.ControlPlane.URL())
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(server.Port())
	if err != nil {
		return nil, err
	}
	first, _, err := net.ParseCIDR(podRange)
	if err != nil {
		return nil, err
	}
	return kubelet.Start(kubelet.Config{
		Client: c.ControlPlane.Client, Selector: ours + "=" + product, Program: c.Layout.Product("lag-adapter"),
		Dir: filepath.Join(c.Dir, "pods"), CAFile: c.ControlPlane.ClientCAFile(), Addresses: first,
		APIServer: &net.TCPAddr{IP: net.ParseIP(server.Hostname()), Port: port},
		Log:       slog.New(slog.NewTextHandler(os.Stderr, nil)),
		// Each pod has the namespace's network, and so cannot listen on all of its addresses.
		Args: func(ip string) []string {
			return []string{"--bind-address=" + ip, "--web.listen-address=" + net.JoinHostPort(ip, "9308")}
		},
	}), nil
}

// startProxy starts kube-proxy, which routes the Services' addresses to the pods that are Ready.
func (c *Cluster) startProxy() (err error) {
	free, err := ports.Free(2)
	if err != nil {
		return err
	}
	c.proxy, err = proc.Start(proc.Spec{
		Name: "kube-proxy", Path: c.Layout.Tool("kube-proxy"), LogDir: filepath.Join(c.Dir, "controlplane"),
		Args: []string{
			"--kubeconfig=" + c.ControlPlane.Kubeconfig(), "--hostname-override=ordinary-0", "--proxy-mode=iptables",
			"--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0s", "--conntrack-tcp-timeout-close-wait=0s", // the host's to say
			fmt.Sprintf("--healthz-bind-address=127.0.0.1:%d", free[0]), fmt.Sprintf("--metrics-bind-address=127.0.0.1:%d", free[1]),
		},
	})
	return err
}

// Close ends all of it. Logs stay.
func (c *Cluster) Close() error {
	var errs []error
	if c.Kubelet != nil {
		errs = append(errs, c.Kubelet.Close())
	}
	if c.proxy != nil {
		errs = append(errs, c.proxy.Kill())
	}
	if c.ControlPlane != nil {
		errs = append(errs, c.ControlPlane.Close())
	}
	if c.Brokers != nil {
		errs = append(errs, c.Brokers.Close())
	}
	return errors.Join(errs...)
}

// Explain says where to look after a failure.
func (c *Cluster) Explain() string {
	text := "The logs of this run are in " + c.Dir
	logs, _ := filepath.Glob(filepath.Join(c.Dir, "pods", "*.log")) // none is an answer too
	for _, log := range logs {
		text += fmt.Sprintf("\n--- the end of %s:\n%s", log, proc.Tail(log, 10))
	}
	return text
}
