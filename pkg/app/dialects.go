package app

import (
	"slices"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/exporter"
)

// dialects returns the dialects that /metrics has besides kafka_exporter's, each of the groups that are to be shown in it.
func dialects(cfg config.Config) []exporter.Option {
	var options []exporter.Option
	someGroups := slices.ContainsFunc(cfg.GroupRules, func(r config.GroupRule) bool { return r.Dialects != nil })
	for _, name := range cfg.AllDialects() {
		var groups func(cluster, group string) bool // nil spares matching each group
		if someGroups {
			groups = func(cluster, group string) bool { return slices.Contains(cfg.GroupDialects(cluster, group), name) }
		}
		options = append(options, exporter.With(exporter.Dialect(name), groups))
	}
	return options
}
