package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// GroupRule says what holds for the consumer groups that it matches. What is nil it does not say.
type GroupRule struct {
	Match              *regexp.Regexp // the whole name of the group
	Cluster            *regexp.Regexp // the whole name of its cluster; nil for all
	ReadCommitted      *bool
	OffsetReset        *lag.OffsetReset
	IgnoreUnsubscribed *bool
	Dialects           []string // empty, but not nil, for none
}

func (r *GroupRule) matches(cluster, group string) bool {
	return (r.Cluster == nil || r.Cluster.MatchString(cluster)) && r.Match.MatchString(group)
}

// GroupPolicy returns what the operator says of a group: for each setting the first rule that says it, then the patterns of
// GroupPolicies, then Kafka's default. It costs a match for each rule.
func (c *Config) GroupPolicy(cluster, group string) lag.Policy {
	policy := lag.Policy{
		ReadCommitted:      matchesWhole(c.GroupPolicies.ReadCommitted, group),
		IgnoreUnsubscribed: matchesWhole(c.GroupPolicies.IgnoreUnsubscribed, group),
	}
	if matchesWhole(c.GroupPolicies.Earliest, group) {
		policy.OffsetReset = lag.ResetEarliest
	}
	for i := range slices.Backward(c.GroupRules) { // so that the first one has the last word
		r := &c.GroupRules[i]
		if r.saysPolicy() && r.matches(cluster, group) {
			override(&policy.ReadCommitted, r.ReadCommitted)
			override(&policy.OffsetReset, r.OffsetReset)
			override(&policy.IgnoreUnsubscribed, r.IgnoreUnsubscribed)
		}
	}
	return policy
}

// HasPolicies says whether any group may differ from Kafka's defaults.
func (c *Config) HasPolicies() bool {
	return c.GroupPolicies != (GroupPolicies{}) || slices.ContainsFunc(c.GroupRules, func(r GroupRule) bool { return r.saysPolicy() })
}

// GroupDialects returns the exporters under whose names a group is shown, besides kafka_exporter's.
func (c *Config) GroupDialects(cluster, group string) []string {
	for i := range c.GroupRules {
		if r := &c.GroupRules[i]; r.Dialects != nil && r.matches(cluster, group) {
			return r.Dialects
		}
	}
	return c.Dialects
}

// AllDialects returns those that any group may be shown under, in order.
func (c *Config) AllDialects() []string {
	all := slices.Clone(c.Dialects)
	for _, r := range c.GroupRules {
		all = append(all, r.Dialects...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (r *GroupRule) saysPolicy() bool {
	return r.ReadCommitted != nil || r.OffsetReset != nil || r.IgnoreUnsubscribed != nil
}

func matchesWhole(pattern *regexp.Regexp, name string) bool {
	return pattern != nil && pattern.MatchString(name)
}

func override[T any](value, by *T) {
	if by != nil {
		*value = *by
	}
}

// groupRule is a rule as it is written.
type groupRule struct {
	match, cluster         *regexp.Regexp
	isolation, offsetReset string
	ignoreUnsubscribed     bool
	dialects               []string
}

// The names of the settings of a rule, and of the list of them.
const (
	settingRules   = "groups"
	settingDialect = "dialect"

	ruleMatch              = "match"
	ruleIsolation          = "isolation"
	ruleOffsetReset        = "offset-reset"
	ruleIgnoreUnsubscribed = "ignore-unsubscribed"
	ruleDialects           = "dialects"

	readUncommitted, readCommitted = "read_uncommitted", "read_committed"
	latest, earliest               = "latest", "earliest"
)

// The dialects, by the exporters that they are of.
const (
	DialectBurrow           = "burrow"
	DialectKafkaLagExporter = "kafka-lag-exporter"
	DialectKMinion          = "kminion"
)

func allDialects() []string { return []string{DialectBurrow, DialectKafkaLagExporter, DialectKMinion} }

func addRule(set *pflag.FlagSet, r *groupRule) {
	set.Var(&requiredPattern{pattern{&r.match}}, ruleMatch, "Regular expression (RE2) that the whole name of a consumer group must match. Required.")
	set.Var(&pattern{&r.cluster}, "cluster", "Regular expression (RE2) that the whole name of the group's cluster must match. All clusters if it is not set.")
	set.Var(&choice{&r.isolation, []string{readUncommitted, readCommitted}}, ruleIsolation, "isolation.level of the consumers: a log ends at the high watermark, or at the last stable offset.")
	set.Var(&choice{&r.offsetReset, []string{latest, earliest}}, ruleOffsetReset, "auto.offset.reset of the consumers: without a commit the lag is 0, or the whole log.")
	set.Var(&toggle{&r.ignoreUnsubscribed}, ruleIgnoreUnsubscribed, "Topics that the group has committed on but no member subscribes to any more do not count.")
	set.Var(&choices{&r.dialects, allDialects()}, ruleDialects, "Names of exporters under which /metrics shows the group, too, in the place of those of --dialect.")
}

// requiredPattern is a pattern that is not empty.
type requiredPattern struct{ pattern }

func (p *requiredPattern) Set(value string) error {
	if value == "" {
		return errors.New("an empty pattern matches nothing; .* matches every name")
	}
	return p.pattern.Set(value)
}

func (p *requiredPattern) schema() schema {
	return schema{"type": kindText, "minLength": 1, "maxLength": maxPattern}
}

// resolveRules puts the rules together.
func (f *Flags) resolveRules() {
	for _, one := range f.rules.list {
		written, says := one.value, one.section.has
		rule := GroupRule{Match: written.match, Cluster: written.cluster}
		if says(ruleIsolation) {
			rule.ReadCommitted = new(written.isolation == readCommitted)
		}
		if says(ruleOffsetReset) {
			rule.OffsetReset = new(lag.ResetLatest)
			if written.offsetReset == earliest {
				*rule.OffsetReset = lag.ResetEarliest
			}
		}
		if says(ruleIgnoreUnsubscribed) {
			rule.IgnoreUnsubscribed = &written.ignoreUnsubscribed
		}
		if says(ruleDialects) {
			rule.Dialects = append([]string{}, written.dialects...)
		}
		switch {
		case written.match == nil && !says(ruleMatch):
			f.errs.of(one.section, fmt.Errorf("--%s: no value; name the consumer groups by a pattern, such as 'orders-.*'", ruleMatch))
		case !rule.saysPolicy() && rule.Dialects == nil && !one.broken:
			f.errs.of(one.section, fmt.Errorf("the rule says nothing of the groups that it matches; give it %s",
				strings.Join([]string{ruleIsolation, ruleOffsetReset, ruleIgnoreUnsubscribed, "or " + ruleDialects}, ", ")))
		}
		f.cfg.GroupRules = append(f.cfg.GroupRules, rule)
	}
}

// choices is a list of a few words; each setting adds to it.
type choices struct {
	list    *[]string
	allowed []string
}

func (c *choices) String() string {
	if c.list == nil {
		return ""
	}
	return strings.Join(*c.list, ",")
}
func (c *choices) Type() string  { return strings.Join(c.allowed, ",") }
func (c *choices) reset()        { *c.list = nil }
func (c *choices) all() []string { return *c.list }
func (c *choices) schema() schema {
	words := strings.Join(c.allowed, "|")
	return schema{"type": []string{kindText, "array"}, "pattern": "^(" + words + ")(,(" + words + "))*$", "items": schema{"enum": c.allowed}}
}

func (c *choices) Set(value string) error {
	for word := range strings.SplitSeq(value, ",") {
		if !slices.Contains(c.allowed, word) {
			return fmt.Errorf("%q is not one of %s", word, strings.Join(c.allowed, ", "))
		}
		if !slices.Contains(*c.list, word) {
			*c.list = append(*c.list, word)
		}
	}
	return nil
}
