package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

const (
	// Services get loopback addresses: a process of the test can listen where
	// the API server looks for a Service.
	serviceRange        = "127.96.0.0/16"
	kubernetesServiceIP = "127.96.0.1"
	// So do pods, for a process of the test to connect from a pod's address.
	podRange = "127.1.0.0/16"
)

// controllers are those of kube-controller-manager that the tests need.
const controllers = "deployment-controller,replicaset-controller,statefulset-controller,job-controller," +
	"horizontal-pod-autoscaler-controller,disruption-controller,endpointslice-controller," +
	"garbage-collector-controller,namespace-controller,serviceaccount-controller,serviceaccount-token-controller," +
	"root-ca-certificate-publisher-controller,clusterrole-aggregation-controller"

// scaleToZero lets an HPA have minReplicas 0, as it may by default from Kubernetes 1.37 on.
const scaleToZero = "HPAScaleToZero=true"

// launch starts a component.
func (c *ControlPlane) launch(component string) error {
	p, err := proc.Start(proc.Spec{
		Name: component, Path: filepath.Join(c.cfg.Bin, component), LogDir: c.cfg.Dir,
		Args: append(c.args(component), c.cfg.Args[component]...),
	})
	if err != nil {
		return err
	}
	c.processes[component] = p
	return nil
}

// args are a component's arguments.
func (c *ControlPlane) args(component string) []string {
	switch component {
	case Etcd:
		return c.etcdArgs()
	case APIServer:
		return c.apiServerArgs()
	case ControllerManager:
		return append(c.controllerArgs(ControllerManager),
			"--use-service-account-credentials=true", "--controllers="+controllers,
			"--service-account-private-key-file="+c.file(serviceAccountKey), "--root-ca-file="+c.ClientCAFile(),
			"--kube-api-qps=200", "--kube-api-burst=400",
			"--feature-gates="+scaleToZero,
			"--horizontal-pod-autoscaler-sync-period=1s", "--horizontal-pod-autoscaler-downscale-stabilization=5s",
		)
	case Scheduler:
		return c.controllerArgs(Scheduler)
	default: // Kwok
		return []string{
			"--kubeconfig=" + c.file(Kwok+".kubeconfig"), "--config=" + c.cfg.KwokConfig,
			fmt.Sprintf("--server-address=127.0.0.1:%d", c.ports[Kwok]),
			"--manage-all-nodes=true", "--node-lease-duration-seconds=0", "--node-ip=127.0.0.1", "--cidr=" + podRange,
		}
	}
}

func (c *ControlPlane) etcdArgs() []string {
	client := fmt.Sprintf("http://127.0.0.1:%d", c.ports[Etcd])
	peer := fmt.Sprintf("http://127.0.0.1:%d", c.peerPort)
	return []string{
		"--data-dir=" + c.file("etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer,
	}
}

func (c *ControlPlane) apiServerArgs() []string {
	return []string{
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", c.ports[APIServer]),
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", c.ports[Etcd]),
		"--tls-cert-file=" + c.file(servingCert), "--tls-private-key-file=" + c.file(servingKey),
		"--client-ca-file=" + c.ClientCAFile(),
		"--service-cluster-ip-range=" + serviceRange,
		"--endpoint-reconciler-type=none", // endpoints may not have loopback addresses
		"--authorization-mode=Node,RBAC",
		// Nodes must not begin tainted: no controller here would ever take the taint away.
		"--disable-admission-plugins=TaintNodesByCondition",
		"--enable-admission-plugins=PodNodeSelector", "--admission-control-config-file=" + c.file(admissionFile),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.file(serviceAccountKey),
		"--service-account-signing-key-file=" + c.file(serviceAccountKey),
		"--requestheader-client-ca-file=" + c.file(frontProxyCAFile), "--requestheader-allowed-names=" + FrontProxy,
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + c.file(proxyClientCert), "--proxy-client-key-file=" + c.file(proxyClientKey),
		"--feature-gates=" + scaleToZero,
		"--vmodule=dynamic_serving_content=2", // the log tells when a certificate is in use
		"--audit-policy-file=" + c.file(auditPolicyFile), "--audit-log-path=" + c.AuditLog(),
	}
}

// controllerArgs are those that controller manager and scheduler share.
func (c *ControlPlane) controllerArgs(component string) []string {
	return []string{
		"--kubeconfig=" + c.componentConfig(component), "--leader-elect=false",
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", c.ports[component]),
		"--tls-cert-file=" + c.file(servingCert), "--tls-private-key-file=" + c.file(servingKey),
	}
}

// ready waits until a component does its work.
func (c *ControlPlane) ready(ctx context.Context, component string) error {
	probe := c.healthy(c.url(component) + "/healthz")
	switch component {
	case Etcd:
		probe = c.healthy(fmt.Sprintf("http://127.0.0.1:%d/health", c.ports[Etcd]))
	case APIServer:
		probe = c.healthy(c.URL() + "/readyz")
	case ControllerManager: // healthy is not enough: pods need this
		probe = func(ctx context.Context) error {
			_, err := c.Client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
			return err
		}
	case Kwok:
		probe = c.nodesReady
	}
	return c.processes[component].Ready(ctx, probe)
}

// healthy asks a component's health endpoint, which needs no authentication.
func (c *ControlPlane) healthy(url string) func(context.Context) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.CA.Cert)
	client := &http.Client{
		Timeout: 2 * time.Second, // of one look
		Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		},
	}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", strings.TrimSuffix(url, "/"), response.Status)
		}
		return nil
	}
}
