package stack

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestOverride(t *testing.T) {
	for name, test := range map[string]struct{ args, extra, want []string }{
		"appends what is new":         {[]string{"--a=1"}, []string{"--b=2"}, []string{"--a=1", "--b=2"}},
		"replaces":                    {[]string{"--a=1", "--b=2"}, []string{"--a=3"}, []string{"--b=2", "--a=3"}},
		"replaces a repeated one":     {[]string{"--a=1", "--a=2"}, []string{"--a=3"}, []string{"--a=3"}},
		"takes the value along":       {[]string{"--a", "1", "--b"}, []string{"--a=3"}, []string{"--b", "--a=3"}},
		"leaves a flag without value": {[]string{"--a", "--b=1"}, []string{"--a=false"}, []string{"--b=1", "--a=false"}},
		"knows whole names only":      {[]string{"--ab=1"}, []string{"--a=2"}, []string{"--ab=1", "--a=2"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := override(test.args, test.extra...); !slices.Equal(got, test.want) {
				t.Errorf("override(%q, %q) = %q, want %q", test.args, test.extra, got, test.want)
			}
		})
	}
}

func TestExpand(t *testing.T) {
	args := []string{"--brokers=$(BROKERS)", "--plain"}
	got, err := expand(args, []corev1.EnvVar{{Name: "BROKERS", Value: "a:1,b:2"}})
	if want := []string{"--brokers=a:1,b:2", "--plain"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("expand = %q, %v, want %q", got, err, want)
	}
	if got, err := expand(args, nil); err == nil {
		t.Errorf("expand with an unknown variable = %q, want an error", got)
	}
}
