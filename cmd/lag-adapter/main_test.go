package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// withoutTraces is a build tag of gRPC's. What it leaves out uses templates, which keep the linker from leaving out what nobody calls: 29 MB.
const withoutTraces = "grpcnotrace"

func TestBuiltWithoutTraces(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags="+withoutTraces, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 500 {
		t.Fatalf("go list gave only %d packages", len(packages))
	}
	if slices.Contains(packages, "golang.org/x/net/trace") {
		t.Error("links golang.org/x/net/trace in spite of the build tag")
	}
	for _, builder := range []string{"Makefile", "Dockerfile", ".goreleaser.yaml"} {
		text, err := os.ReadFile("../../" + builder)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), withoutTraces) {
			t.Errorf("%s builds without the tag %s", builder, withoutTraces)
		}
	}
}
