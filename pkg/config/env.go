package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// envPrefix begins the names of all environment variables that are ours.
const envPrefix = "KAFKA_LAG_"

// Variable returns the environment variable of a setting.
func Variable(setting string) string {
	return envPrefix + strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToUpper(setting))
}

// environment returns the variables that may be ours. An empty one is the same as none.
func environment(environ []string) map[string]string {
	ours := map[string]string{}
	for _, one := range environ {
		if name, value, _ := strings.Cut(one, "="); strings.HasPrefix(name, envPrefix) && value != "" && !isServiceLink(name, value) {
			ours[name] = value
		}
	}
	return ours
}

// applyEnvironment sets the settings that variables name.
func (s *section) applyEnvironment(variables map[string]string, errs *found) {
	s.set.VisitAll(func(f *pflag.Flag) {
		name := Variable(f.Name)
		value, ok := variables[name]
		if !ok || !isSetting(f) {
			return
		}
		errs.within(name, f.Name, s.put(f, origin{source: name}, value))
	})
}

// checkEnvironment finds the variables that are none of those that count.
func checkEnvironment(variables map[string]string, known []string, errs *found) {
	for name := range sorted(variables) {
		if slices.Contains(known, name) {
			continue
		}
		suggestion := "; the variables are " + envPrefix + " and a flag that --help lists, in upper case, with _ for - and ."
		if best := nearestOf(known, name); best != "" {
			suggestion = "; did you mean " + best + "?"
		}
		errs.add(Mistake{Source: name, Message: "unknown environment variable" + suggestion})
	}
}

// The variables by which Kubernetes tells a container of the Services of its namespace, of which kafka-lag-adapter may be one.
const (
	linkByName  = `^[A-Z0-9_]+_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR))$`
	linkByValue = `^(tcp|udp|sctp)://[^/]+:[0-9]+$`
)

// isServiceLink says whether Kubernetes has made the variable for a Service whose name begins as ours do.
func isServiceLink(name, value string) bool {
	byName, byValue := regexp.MustCompile(linkByName), regexp.MustCompile(linkByValue)
	return byName.MatchString(name) || strings.Contains(name, "_PORT") && byValue.MatchString(value)
}

// variables returns those of all settings and secrets of the section.
func (s *section) variables() []string {
	var names []string
	s.set.VisitAll(func(f *pflag.Flag) {
		if isSetting(f) {
			names = append(names, Variable(f.Name))
		}
		if secret, ok := f.Value.(*secretFile); ok {
			names = append(names, secret.env)
		}
	})
	return names
}

// clusterVariable returns what a secret's variable is called for the cluster of that name.
func clusterVariable(secret, cluster string) string {
	return envPrefix + "CLUSTERS_" + fold(cluster) + "_" + strings.TrimPrefix(secret, envPrefix)
}

// fold returns a name as it is written in variables.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(name))
}

// from says in a comment where a value comes from.
func (o origin) String() string {
	switch {
	case o.source == "":
		return ""
	case o.line > 0:
		return fmt.Sprintf("%s line %d", o.source, o.line)
	}
	return o.source
}
