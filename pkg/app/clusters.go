package app

import (
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// A poll ends within a part of its interval, so that polls never overlap, and within a bound of its own: at long intervals a
// hung broker must not hold the others' values back for minutes.
const (
	pollShare = 0.9
	maxPoll   = 30 * time.Second
)

func pollTimeout(interval time.Duration) time.Duration {
	return min(time.Duration(pollShare*float64(interval)), maxPoll)
}

// maxWantedPoll bounds a poll of the groups that were asked for: it is the time for which a broker that hangs, until it is known to,
// holds the others back, after the second between two polls: HPAs are to get values of at most 3 s then. It is more than a broker with a
// latency of 400 ms needs for the four requests one after the other; one that is slower is read by the polls of all groups only.
const maxWantedPoll = 1900 * time.Millisecond

// maxSlow bounds how old log starts and descriptions of members may get that nothing speaks against.
const maxSlow = 15 * time.Second

// clusterSettings are all that decides how a cluster is collected. As long as they are the same, a reload leaves it alone.
type clusterSettings struct {
	Cluster        config.Cluster
	Interval       time.Duration
	WantedInterval time.Duration
	SlowEvery      time.Duration
	Policies       config.GroupPolicies
	Rules          []config.GroupRule
	MaxGroups      int
	MaxPartitions  int
}

// members returns the clusters of a configuration as members of a fleet.
func (l Loaded) members(wanted *collector.Wanted) []collector.Member {
	var wantedInterval time.Duration
	if l.Extension != nil {
		wantedInterval = l.Extension.WantedInterval()
	}
	cfg := l.Config
	members := make([]collector.Member, len(cfg.Clusters))
	for i, cluster := range cfg.Clusters {
		settings := clusterSettings{
			Cluster: cluster, Interval: cfg.PollInterval, WantedInterval: wantedInterval, SlowEvery: min(cfg.MaxAge/4, maxSlow),
			Policies: cfg.GroupPolicies, Rules: policyRules(cfg.GroupRules, cluster.Name), MaxGroups: cfg.MaxGroups, MaxPartitions: cfg.MaxPartitions,
		}
		policies := policies(cfg, cluster.Name)
		members[i] = collector.Member{
			Name: cluster.Name, Settings: settings,
			Config: collector.Config{Interval: settings.Interval, WantedInterval: wantedInterval, Policies: policies},
			Open:   func() (collector.ClosingReader, error) { return openReader(settings, policies, wanted) },
			Keep:   func(s *lag.Snapshot) *lag.Snapshot { return s.Keep(cluster.Groups.Match, cluster.Topics.Match) },
		}
	}
	return members
}

// policyRules returns what the rules say of how lag is worked out on the cluster. How it is shown is no matter of the collection.
func policyRules(all []config.GroupRule, cluster string) (rules []config.GroupRule) {
	for _, rule := range all {
		rule.Dialects = nil
		says := rule.ReadCommitted != nil || rule.OffsetReset != nil || rule.IgnoreUnsubscribed != nil
		if says && (rule.Cluster == nil || rule.Cluster.MatchString(cluster)) {
			rule.Cluster = nil
			rules = append(rules, rule)
		}
	}
	return rules
}

func openReader(s clusterSettings, policies lag.Policies, wanted *collector.Wanted) (collector.ClosingReader, error) {
	reader, err := kafka.NewReader(readerConfig(s, policies, wanted))
	if err != nil {
		return nil, err // not a nil *kafka.Reader in an interface
	}
	return reader, nil
}

func readerConfig(s clusterSettings, policies lag.Policies, wanted *collector.Wanted) kafka.Config {
	return kafka.Config{
		Cluster: s.Cluster.Name, Brokers: s.Cluster.Brokers, Security: security(s.Cluster.Kafka), Groups: s.Cluster.Groups.Match, Topics: s.Cluster.Topics.Match,
		Timeout: pollTimeout(s.Interval), HotTimeout: min(pollTimeout(s.Interval), maxWantedPoll),
		SlowEvery: s.SlowEvery,
		Policy:    policies.Of,
		MaxGroups: s.MaxGroups, MaxPartitions: s.MaxPartitions, Wanted: wanted.Groups,
	}
}

// policies returns the policy of each group; nil if all have Kafka's defaults.
func policies(cfg config.Config, cluster string) lag.Policies {
	if !cfg.HasPolicies() {
		return nil
	}
	return func(group string) lag.Policy { return cfg.GroupPolicy(cluster, group) }
}
