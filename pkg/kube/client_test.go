package kube

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

const kubeconfig = `apiVersion: v1
kind: Config
current-context: c
clusters: [{name: k, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: k, user: u}}]
users: [{name: u, user: {token: t}}]
`

func TestRESTConfigFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	opts := NewClientOptions()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	opts.AddFlags(flags)
	if err := flags.Parse([]string{"--kubeconfig=" + file, "--client-qps=7", "--client-burst=9"}); err != nil {
		t.Fatal(err)
	}
	cfg, err := opts.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Host != "https://127.0.0.1:1" || cfg.QPS != 7 || cfg.Burst != 9 {
		t.Errorf("got %s, %v, %d", cfg.Host, cfg.QPS, cfg.Burst)
	}
}

func TestRESTConfigOutsideOfACluster(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for _, file := range []string{"", "/no/such/file"} {
		opts := NewClientOptions()
		opts.Kubeconfig = file
		if _, err := opts.RESTConfig(); err == nil || !strings.Contains(err.Error(), "--kubeconfig") {
			t.Errorf("kubeconfig %q: got %v", file, err)
		}
	}
}
