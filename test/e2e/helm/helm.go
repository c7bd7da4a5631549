// Package helm runs Helm as a person would.
package helm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Helm is the program, with a cluster to talk to or without one.
type Helm struct {
	Path       string
	Kubeconfig string // empty: no cluster
	Home       string // folder of its caches and settings
}

// Run runs helm and returns what it printed. Its complaints are in the error.
func (h Helm) Run(ctx context.Context, args ...string) (string, error) {
	kubeconfig := h.Kubeconfig
	if kubeconfig == "" {
		kubeconfig = os.DevNull // not that of whoever runs the test
	}
	cmd := exec.CommandContext(ctx, h.Path, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "HELM_CACHE_HOME="+h.Home, "HELM_CONFIG_HOME="+h.Home, "HELM_DATA_HOME="+h.Home)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("helm %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}
