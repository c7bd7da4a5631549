package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The sidecar must stay small: whatever links Kubernetes weighs some 60 MB.
func TestLinksNoKubernetes(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 50 {
		t.Fatalf("go list gave only %d packages", len(packages))
	}
	for _, p := range packages {
		if strings.HasPrefix(p, "k8s.io/") || strings.HasPrefix(p, "sigs.k8s.io/") || strings.Contains(p, "kfake") {
			t.Errorf("links %s", p)
		}
	}
}
