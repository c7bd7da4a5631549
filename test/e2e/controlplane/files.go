package controlplane

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
)

// admission is the configuration of the API server's admission plugins.
//
//go:embed admission.yaml
var admission []byte

// audit says what the audit log holds.
//
//go:embed audit.yaml
var audit []byte

// FrontProxy is who the API server shows itself to be to aggregated API servers.
const FrontProxy = "front-proxy-client"

const (
	admissionFile     = "admission.yaml"
	auditPolicyFile   = "audit.yaml"
	servingCert       = "serving.crt"
	servingKey        = "serving.key"
	frontProxyCAFile  = "front-proxy-ca.crt"
	proxyClientCert   = "front-proxy-client.crt"
	proxyClientKey    = "front-proxy-client.key"
	serviceAccountKey = "service-accounts.key"
)

// writeFiles makes the certificates, the kubeconfigs and the configurations.
func (c *ControlPlane) writeFiles() error {
	var err error
	if c.CA, err = pki.NewCA("kubernetes"); err != nil {
		return err
	}
	if c.FrontProxyCA, err = pki.NewCA("front-proxy"); err != nil {
		return err
	}
	serving, err := c.CA.Server("localhost", "127.0.0.1", "kubernetes.default.svc", kubernetesServiceIP)
	if err != nil {
		return err
	}
	proxyClient, err := c.FrontProxyCA.Client(FrontProxy)
	if err != nil {
		return err
	}
	tokens, err := c.CA.Client("service-accounts") // only its key is used
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.cfg.Dir, 0o755); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"ca.crt": c.CA.Cert, frontProxyCAFile: c.FrontProxyCA.Cert,
		servingCert: serving.Cert, servingKey: serving.Key,
		proxyClientCert: proxyClient.Cert, proxyClientKey: proxyClient.Key,
		serviceAccountKey: tokens.Key,
		admissionFile:     admission, auditPolicyFile: audit,
	} {
		if err := os.WriteFile(c.file(name), content, 0o600); err != nil {
			return err
		}
	}
	return c.writeKubeconfigs()
}

// FrontProxyFiles are the paths of the CA by which aggregated API servers know the API server, and of its certificate and key. It reads
// them anew when they change.
func (c *ControlPlane) FrontProxyFiles() (ca, cert, key string) {
	return c.file(frontProxyCAFile), c.file(proxyClientCert), c.file(proxyClientKey)
}

// writeKubeconfigs makes one for each user with a certificate.
func (c *ControlPlane) writeKubeconfigs() error {
	for name, user := range map[string]struct{ name, group string }{
		c.Kubeconfig():                       {"admin", "system:masters"},
		c.file(Kwok + ".kubeconfig"):         {"kwok", "system:masters"}, // it is all kubelets at once
		c.componentConfig(ControllerManager): {"system:kube-controller-manager", ""},
		c.componentConfig(Scheduler):         {"system:kube-scheduler", ""},
	} {
		var groups []string
		if user.group != "" {
			groups = append(groups, user.group)
		}
		pair, err := c.CA.Client(user.name, groups...)
		if err != nil {
			return err
		}
		auth := &clientcmdapi.AuthInfo{ClientCertificateData: pair.Cert, ClientKeyData: pair.Key}
		if err := c.writeKubeconfig(name, auth); err != nil {
			return err
		}
	}
	return nil
}

func (c *ControlPlane) writeKubeconfig(path string, auth *clientcmdapi.AuthInfo) error {
	const name = "e2e"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: c.URL(), CertificateAuthorityData: c.CA.Cert}
	config.AuthInfos[name] = auth
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}

func (c *ControlPlane) componentConfig(component string) string {
	return c.file(component + ".kubeconfig")
}

// KubeconfigFor writes a kubeconfig with a token of a ServiceAccount, as a pod of
// it would have, and returns its path.
func (c *ControlPlane) KubeconfigFor(ctx context.Context, namespace, serviceAccount string) (string, error) {
	seconds := int64((24 * time.Hour).Seconds())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	token, err := c.Client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, serviceAccount, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("asking for a token of ServiceAccount %s/%s: %w", namespace, serviceAccount, err)
	}
	path := c.file(namespace + "." + serviceAccount + ".kubeconfig")
	return path, c.writeKubeconfig(path, &clientcmdapi.AuthInfo{Token: token.Status.Token})
}
