package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestCurrent holds what is committed against what would be generated.
func TestCurrent(t *testing.T) {
	const manifests = ".."
	files, err := files(manifests)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(manifests, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("manifests/%s is not current (%v); run make generate", name, err)
		}
	}
}

// TestPrometheusRule holds the object's spec against the rule file.
func TestPrometheusRule(t *testing.T) {
	rules, err := os.ReadFile("../prometheus/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file any
	var object struct{ Spec any }
	if err := errors.Join(yaml.Unmarshal(rules, &file), yaml.Unmarshal(prometheusRule(rules), &object)); err != nil {
		t.Fatal(err)
	}
	if file == nil || !reflect.DeepEqual(file, object.Spec) {
		t.Errorf("the spec is %v, the rules are %v", object.Spec, file)
	}
}

// TestPanels looks for what would show as a mistake only in Grafana: panels that overlap or stick out, identifiers that occur
// twice, variables that are not there, a shared part of a query that was not filled in.
func TestPanels(t *testing.T) {
	for _, d := range []*dashboard{lagDashboard(), ownDashboard()} {
		taken := map[[2]int]string{}
		ids := map[int]bool{}
		variables := []string{"$__rate_interval", ""}
		for _, v := range d.Templating.List {
			variables = append(variables, "$"+v.Name, "")
		}
		known := strings.NewReplacer(variables...)
		for _, p := range d.Panels {
			if ids[p.ID] {
				t.Errorf("%s: two panels are %d", d.UID, p.ID)
			}
			ids[p.ID] = true
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
						t.Fatalf("%s: %q is where %q is, or outside", d.UID, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
			for _, q := range p.Targets {
				if rest := known.Replace(q.Expr); strings.Contains(rest, "$") {
					t.Errorf("%s: %q asks for %s", d.UID, p.Title, q.Expr)
				}
			}
		}
	}
}
