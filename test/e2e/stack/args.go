package stack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// expand fills a container's environment into its arguments, as the kubelet does.
func expand(args []string, environment []corev1.EnvVar) ([]string, error) {
	env := map[string]string{}
	for _, e := range environment {
		if e.ValueFrom == nil {
			env[e.Name] = e.Value
		}
	}
	variable := regexp.MustCompile(`\$\([A-Za-z_][A-Za-z0-9_]*\)`)
	args = slices.Clone(args)
	for i, arg := range args {
		var unknown []string
		args[i] = variable.ReplaceAllStringFunc(arg, func(ref string) string {
			value, ok := env[ref[2:len(ref)-1]]
			if !ok {
				unknown = append(unknown, ref)
			}
			return value
		})
		if len(unknown) > 0 {
			return nil, fmt.Errorf("the container's argument %s refers to %v, which is no plain value of its environment: override it", arg, unknown)
		}
	}
	return args, nil
}

// override replaces flags in args by those of extra (--flag=value). All that
// args say of such a flag goes: a flag may be a list, to which repeating adds.
func override(args []string, extra ...string) []string {
	replaced := map[string]bool{}
	for _, e := range extra {
		replaced[flagName(e)] = true
	}
	var kept []string
	for i := 0; i < len(args); i++ {
		if !replaced[flagName(args[i])] {
			kept = append(kept, args[i])
			continue
		}
		// --flag value: the value goes too
		if !strings.Contains(args[i], "=") && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			i++
		}
	}
	return append(kept, extra...)
}

func flagName(arg string) string {
	name, _, _ := strings.Cut(arg, "=")
	return name
}
