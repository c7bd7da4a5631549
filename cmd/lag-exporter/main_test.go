package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The sidecar must stay small: whatever links Kubernetes weighs some 60 MB, and templates keep the linker from leaving out what nobody
// calls.
func TestLinksNothingHeavy(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 50 {
		t.Fatalf("go list gave only %d packages", len(packages))
	}
	for _, p := range packages {
		if strings.HasPrefix(p, "k8s.io/") || strings.HasPrefix(p, "sigs.k8s.io/") || strings.Contains(p, "kfake") || p == "html/template" || p == "golang.org/x/net/trace" {
			t.Errorf("links %s", p)
		}
	}
}
