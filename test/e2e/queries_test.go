package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// The labels that Prometheus adds to what it scrapes of a Strimzi cluster.
const (
	kubernetesNamespace = "kafka"
	strimziCluster      = "main"
)

// fill replaces the variables of a dashboard as Grafana does when all of everything is chosen but for the job and the instance.
func fill(query, job, instance string) string {
	return strings.NewReplacer(
		"$__rate_interval", "1m", "$kubernetes_namespace", kubernetesNamespace, "$strimzi_cluster_name", strimziCluster,
		"$job", job, "$instance", instance, "$cluster", ".*", "$consumergroup", ".*", "$group", ".*", "$topic", ".*",
	).Replace(query)
}

// listed reads queries from a file of testdata, one a line.
func listed(t *testing.T, file string) (queries []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "queries", file))
	suite.Try(t, err)
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			queries = append(queries, line)
		}
	}
	return queries
}

// dashboard is what we look at of one of ours.
type dashboard struct {
	Templating struct {
		List []struct {
			Name  string
			Type  string
			Query any
		}
	}
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
}

func readDashboard(t *testing.T, name string) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile(manifest(t, "grafana/"+name))
	suite.Try(t, err)
	suite.Try(t, json.Unmarshal(text, &d))
	return d
}

// queries are those of all panels.
func (d dashboard) queries() (all []string) {
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

// variables are what the template variables ask for, label_values(series, label), by their names.
func (d dashboard) variables(t *testing.T) map[string][2]string {
	t.Helper()
	all := map[string][2]string{}
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		query := fmt.Sprint(v.Query.(map[string]any)["query"])
		found := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`).FindStringSubmatch(query)
		if found == nil {
			t.Fatalf("variable %s asks for %s", v.Name, query)
		}
		all[v.Name] = [2]string{found[1], found[2]}
	}
	return all
}

// labelValues does what Grafana does with label_values.
func (p prometheus) labelValues(ctx context.Context, series, label string) (values []string, err error) {
	return values, p.get(ctx, "/api/v1/label/"+label+"/values?match[]="+url.QueryEscape(series), &values)
}

type rule struct{ Alert, Record, Expr string }

func readRules(t *testing.T) (all []rule) {
	t.Helper()
	text, err := os.ReadFile(manifest(t, "prometheus/rules.yaml"))
	suite.Try(t, err)
	var file struct {
		Groups []struct{ Rules []rule }
	}
	suite.Try(t, yaml.Unmarshal(text, &file))
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// selectors are the series that an expression reads. They must be there also where the expression, such as that of an alert, is
// mostly empty.
func selectors(expr string) []string {
	return regexp.MustCompile(`\b(?:(?:kafka|process|go)_\w+|\w+:\w+:\w+)(?:\{[^}]*\})?`).FindAllString(expr, -1)
}
