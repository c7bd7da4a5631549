package config

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// The names of the settings, which mistakes have to tell as well.
const (
	settingBrokers  = "brokers"
	settingClusters = "clusters"
	settingTLS      = "kafka.tls"
	settingSASL     = "kafka.sasl"
)

// addCluster defines the settings of one cluster.
func addCluster(set *pflag.FlagSet, c *Cluster) {
	set.Var(&brokers{list: &c.Brokers}, settingBrokers, "Kafka brokers to start from, as host:port, comma-separated or repeated. The port defaults to 9092. Required.")
	addKafka(set, &c.Kafka)
	set.Var(&pattern{&c.Groups.Include}, "group-include", "Regular expression (RE2); only consumer groups whose whole name matches are collected.")
	set.Var(&pattern{&c.Groups.Exclude}, "group-exclude", "Regular expression (RE2); consumer groups whose whole name matches are not collected.")
	set.Var(&pattern{&c.Topics.Include}, "topic-include", "Regular expression (RE2); only topics whose whole name matches are collected.")
	set.Var(&pattern{&c.Topics.Exclude}, "topic-exclude", "Regular expression (RE2); topics whose whole name matches are not collected.")
}

// addNamedCluster defines the settings of one of several clusters.
func addNamedCluster(set *pflag.FlagSet, c *Cluster) {
	set.Var(&clusterName{&c.Name}, "name", "Name of the cluster: the label cluster of its series, and what selectors and annotations call it. Required.")
	addCluster(set, c)
}

// clusterName is the name of a cluster. It has to be a value of a label in Kubernetes, as selectors name it.
type clusterName struct{ value *string }

func (n *clusterName) String() string {
	if n.value == nil {
		return ""
	}
	return *n.value
}
func (n *clusterName) Type() string { return "name" }
func (n *clusterName) schema() schema {
	return schema{"type": kindText, "pattern": "^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"}
}

func (n *clusterName) Set(value string) error {
	const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	if value == "" || len(value) > 63 || strings.Trim(value, alphanumeric+"._-") != "" || strings.Trim(value, "._-") != value {
		return fmt.Errorf("%q is no name of a cluster; allowed are up to 63 letters, digits, ., _ and -, the first and last a letter or digit", value)
	}
	*n.value = value
	return nil
}

// resolveClusters puts the clusters together, and says whether their names are known. What one of several does not set it takes
// from the settings outside of the list.
func (f *Flags) resolveClusters() (resolved bool) {
	if !f.clusters.given {
		if len(f.cluster.Brokers) == 0 && !f.top.has(settingBrokers) {
			f.errs.add(Mistake{Setting: settingBrokers, Source: "--" + settingBrokers, Message: "no value; name at least one Kafka broker as host:port", elsewhere: true})
		}
		for _, err := range f.cluster.Kafka.validate() {
			f.errs.of(f.top, err)
		}
		f.cfg.Clusters = []Cluster{f.cluster}
		return true
	}
	if f.top.has(settingBrokers) {
		f.errs.of(f.top, fmt.Errorf("--%s: it has no effect beside %s; name the brokers of each cluster there, and leave this out", settingBrokers, settingClusters))
	}
	if len(f.clusters.list) == 0 && !f.clusters.broken {
		f.errs.of(f.top, fmt.Errorf("--%s: no cluster; name at least one, or leave it out and set %s", settingClusters, settingBrokers))
	}
	resolved = f.checkNames() && !f.clusters.broken
	for _, c := range f.clusters.list {
		f.inherit(c)
		if len(c.value.Brokers) == 0 && !c.section.has(settingBrokers) {
			f.errs.of(c.section, fmt.Errorf("--%s: no value; name at least one Kafka broker as host:port", settingBrokers))
		}
		for _, err := range c.value.Kafka.validate() {
			f.errs.of(c.section, err)
		}
		f.cfg.Clusters = append(f.cfg.Clusters, *c.value)
	}
	slices.SortFunc(f.cfg.Clusters, func(a, b Cluster) int { return strings.Compare(a.Name, b.Name) })
	return resolved
}

// checkNames holds the names of the clusters apart, also as they are written in variables.
func (f *Flags) checkNames() bool {
	ok := true
	seen := map[string]string{}
	for _, c := range f.clusters.list {
		name := c.value.Name
		other, twice := seen[fold(name)]
		var err error
		switch {
		case name == "" && c.section.has("name"): // and refused
			ok = false
			continue
		case name == "":
			err = errors.New("--name: no value; each cluster needs a name of its own")
		case twice && other == name:
			err = fmt.Errorf("--name: another cluster is called %q already; each needs a name of its own", name)
		case twice:
			err = fmt.Errorf("--name: in environment variables %q would be the same as %q (%s); choose another", name, other, fold(name))
		}
		if seen[fold(name)] = name; err != nil {
			ok = false
			f.errs.of(c.section, err)
		}
	}
	return ok
}

// inherit gives a cluster what it does not set itself. What belongs together is taken or set as a whole, so that no credentials of one
// cluster get to the brokers of another.
func (f *Flags) inherit(c item[Cluster]) {
	own, common := c.value, &f.cluster
	c.section.common = f.top
	if !c.section.has(settingTLS) {
		own.Kafka.TLS = common.Kafka.TLS
	}
	secrets := !c.section.has(settingSASL)
	if secrets {
		own.Kafka.SASL = common.Kafka.SASL
	}
	for _, one := range []struct {
		setting     string
		own, common **regexp.Regexp
	}{
		{"group-include", &own.Groups.Include, &common.Groups.Include}, {"group-exclude", &own.Groups.Exclude, &common.Groups.Exclude},
		{"topic-include", &own.Topics.Include, &common.Topics.Include}, {"topic-exclude", &own.Topics.Exclude, &common.Topics.Exclude},
	} {
		if !c.section.has(one.setting) {
			*one.own = *one.common
		}
	}
	c.section.set.VisitAll(func(flag *pflag.Flag) {
		secret, ok := flag.Value.(*secretFile)
		if !ok {
			return
		}
		variable := clusterVariable(secret.variable, own.Name)
		if secrets && os.Getenv(variable) == "" {
			variable = secret.variable // which stands for all clusters
		}
		secret.env = variable
	})
}
