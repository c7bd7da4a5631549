package config

import (
	"log/slog"
	"regexp"
	"time"

	"github.com/spf13/pflag"
)

// Config is what both programs have in common, validated.
type Config struct {
	Clusters      []Cluster // at least one, sorted by name
	ListenAddress string    // of /metrics, /livez and /readyz
	WebConfigFile string    // of exporter-toolkit, for ListenAddress; empty for plain HTTP
	HealthAddress string    // of /livez and /readyz alone; empty for none
	// EnableLifecycle says that whoever can reach ListenAddress may have the configuration reloaded.
	EnableLifecycle bool
	PollInterval    time.Duration
	MaxAge          time.Duration // how old a value may get before it counts as unknown
	ClusterLabel    bool          // series have the label cluster, also if there is only one cluster
	GroupPolicies   GroupPolicies
	GroupRules      []GroupRule // which come before GroupPolicies and Dialects
	Dialects        []string    // of all groups for which no rule says others: which exporters' names /metrics has besides kafka_exporter's
	MaxGroups       int         // consumer groups that are collected; 0 for no limit
	MaxPartitions   int         // partitions of consumer groups that are collected, over all groups; 0 for no limit
	LogLevel        slog.Level
	LogFormat       string // "text" or "json"
	File            string // that --config named; empty for none

	effective string
	hash      string
}

// Hash tells configurations apart: it is the same as long as every setting is, wherever it comes from. Of secrets it holds only
// where they are.
func (c Config) Hash() string { return c.hash }

// Effective returns all settings as the text of a file that, given to the program, is the same configuration. Comments say where each
// comes from. It has no secret in it, only where they are.
func (c Config) Effective() string { return c.effective }

// Cluster is a Kafka cluster to collect from.
type Cluster struct {
	Name    string   // in selectors and series
	Brokers []string // host:port, to start from
	Kafka   Kafka
	Groups  Filter
	Topics  Filter
}

// DefaultCluster is the name of a cluster that was given none.
const DefaultCluster = "default"

// Filter decides by name what is collected.
type Filter struct {
	Include *regexp.Regexp // nil includes everything
	Exclude *regexp.Regexp // nil excludes nothing
}

// Match says whether the name is included and not excluded.
func (f Filter) Match(name string) bool {
	return (f.Include == nil || f.Include.MatchString(name)) && (f.Exclude == nil || !f.Exclude.MatchString(name))
}

// GroupPolicies says by name which consumer groups differ from Kafka's defaults. Nil matches none.
type GroupPolicies struct {
	Earliest           *regexp.Regexp // auto.offset.reset=earliest
	ReadCommitted      *regexp.Regexp // isolation.level=read_committed
	IgnoreUnsubscribed *regexp.Regexp // topics that the group has left do not count
}

// The limits of durations.
const (
	minPollInterval = 200 * time.Millisecond
	maxPollInterval = 10 * time.Minute
	minMaxAge       = time.Second
	maxMaxAge       = 24 * time.Hour
)

// Flags are the settings as flags of one program, not yet validated as a whole.
type Flags struct {
	cfg      Config
	cluster  Cluster // the only one; or what those of clusters have in common
	clusters items[Cluster]
	rules    items[groupRule]
	version  bool

	fileFollows bool // the file is named by an argument
	top         *section
	errs        found
}

// AddFlags defines the settings that both programs have.
func AddFlags(set *pflag.FlagSet) *Flags {
	f := &Flags{cluster: Cluster{Name: DefaultCluster}, cfg: Config{
		PollInterval: 5 * time.Second, MaxAge: time.Minute, LogFormat: "text", ListenAddress: ":9308", MaxGroups: 20_000, MaxPartitions: 2_000_000,
	}}
	f.clusters = items[Cluster]{name: settingClusters, define: addNamedCluster, needsOne: true, needs: []string{"name", settingBrokers}}
	f.rules = items[groupRule]{name: settingRules, define: addRule, needs: []string{ruleMatch}}
	addCluster(set, &f.cluster)
	set.Var(&f.clusters, settingClusters, "Several Kafka clusters, as YAML; easier to write in the file: a list of mappings, each with a name, brokers and "+
		"whatever else is of its own. What one does not set it takes from the same setting outside the list. For example: [{name: eu, brokers: [kafka-eu]}, {name: us, brokers: [kafka-us]}].")
	set.VarPF(&toggle{&f.cfg.ClusterLabel}, "cluster-label", "", "Label series with their cluster, also if there is only one.").NoOptDefVal = "true"
	set.Var(&address{&f.cfg.ListenAddress}, "web.listen-address", "Address of /metrics, /livez and /readyz, as host:port; plain HTTP without --web.config.file.")
	set.StringVar(&f.cfg.WebConfigFile, "web.config.file", "", "YAML file that puts TLS, client certificates or basic authentication before --web.listen-address, "+
		"in the format of Prometheus' exporters. It and the files that it names are read again for each connection.")
	set.Var(&address{&f.cfg.HealthAddress}, "web.health-address", "One more address, as host:port, of /livez and /readyz alone, by plain HTTP: for probes that cannot pass --web.config.file.")
	set.VarPF(&toggle{&f.cfg.EnableLifecycle}, "web.enable-lifecycle", "", "Reload the configuration on a POST to /-/reload.").NoOptDefVal = "true"
	set.Var(&duration{&f.cfg.PollInterval, minPollInterval, maxPollInterval}, "poll-interval", "Time between the starts of two polls of the brokers.")
	set.Var(&duration{&f.cfg.MaxAge, minMaxAge, maxMaxAge}, "max-age", "Age from which a value that could not be read again counts as unknown. Must be more than --poll-interval.")
	set.Var(&f.rules, settingRules, "Rules for consumer groups, as YAML; easier to write in the file: a list of mappings, each with a pattern that whole names must match "+
		"and what holds for those that do. For each setting the first rule that matches and says it counts, then --earliest-groups and the like. "+
		"For example: [{match: 'batch-.*', offset-reset: earliest}].")
	set.Var(&choices{&f.cfg.Dialects, allDialects()}, settingDialect, "Names of further exporters under which /metrics shows lag, too: kminion, kafka-lag-exporter, burrow; comma-separated or repeated. "+
		"kafka_exporter's are there always.")
	policies := &f.cfg.GroupPolicies
	set.Var(&pattern{&policies.Earliest}, "earliest-groups", "Regular expression (RE2); consumer groups whose whole name matches start at the beginning of a "+
		"partition on which they have committed nothing (auto.offset.reset=earliest), so its whole log is their lag. All others start at its end, a lag of 0. "+
		"Share groups tell it themselves, to those who may DescribeConfigs on them.")
	set.Var(&pattern{&policies.ReadCommitted}, "read-committed-groups", "Regular expression (RE2); for consumer groups whose whole name matches, "+
		"a log ends at the last stable offset (isolation.level=read_committed). For all others it ends at the high watermark.")
	set.Var(&pattern{&policies.IgnoreUnsubscribed}, "ignore-unsubscribed-groups", "Regular expression (RE2); of consumer groups whose whole name matches, "+
		"topics that they have committed on but no member subscribes to any more do not count, as long as members tell what they subscribe to.")
	set.Var(&count{&f.cfg.MaxGroups}, "max-groups", "Most consumer groups to collect; 0 for no limit. Those that the metrics API is asked for come first, "+
		"and nothing is known of those beyond the limit.")
	set.Var(&count{&f.cfg.MaxPartitions}, "max-partitions", "Most partitions of consumer groups to collect, over all groups; 0 for no limit.")
	set.StringVar(&f.cfg.File, "config", "", "YAML file with settings; its keys are the names of these flags. The environment (KAFKA_LAG_ and a flag in upper case, with _ for - and .) overrides it, flags override both.")
	set.Var(&level{&f.cfg.LogLevel}, "log-level", "Least severe messages to log: debug, info, warn or error.")
	set.Var(&choice{&f.cfg.LogFormat, []string{"text", "json"}}, "log-format", "Format of the log: text or json.")
	set.BoolVar(&f.version, "version", false, "Print the version and exit.")
	return f
}

// Version says whether only the version was asked for. It counts after a call of Parse.
func (f *Flags) Version() bool { return f.version }

// TakeFile has Parse take one argument as the path of the file, in the place of --config.
func (f *Flags) TakeFile() { f.fileFollows = true }

// commandLineOnly marks flags that are no settings.
const commandLineOnly = "command-line-only"

// CommandLineOnly marks the flags of the set as no settings: no file and no variable can set them.
func CommandLineOnly(set *pflag.FlagSet) {
	set.VisitAll(func(f *pflag.Flag) { f.Annotations = map[string][]string{commandLineOnly: nil} })
}

func isSetting(f *pflag.Flag) bool {
	_, only := f.Annotations[commandLineOnly]
	return !only && f.Name != "config" && f.Name != "version" && f.Name != "help"
}
