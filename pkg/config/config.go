package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/spf13/pflag"
)

// Config is what both programs have in common, validated.
type Config struct {
	Clusters      []Cluster // at least one, sorted by name
	ListenAddress string    // of /metrics, /livez and /readyz
	PollInterval  time.Duration
	MaxAge        time.Duration // how old a value may get before it counts as unknown
	GroupPolicies GroupPolicies
	MaxGroups     int // consumer groups that are collected; 0 for no limit
	MaxPartitions int // partitions of consumer groups that are collected, over all groups; 0 for no limit
	LogLevel      slog.Level
	LogFormat     string // "text" or "json"
	File          string // that --config named; empty for none

	hash string
}

// Hash tells configurations apart: it is the same as long as every setting is, wherever it comes from. Of secrets it holds only
// where they are.
func (c Config) Hash() string { return c.hash }

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
	cfg     Config
	cluster Cluster
	version bool

	fileFollows bool // the file is named by an argument
}

// AddFlags defines the settings that both programs have.
func AddFlags(set *pflag.FlagSet) *Flags {
	f := &Flags{cluster: Cluster{Name: DefaultCluster}, cfg: Config{
		PollInterval: 5 * time.Second, MaxAge: time.Minute, LogFormat: "text", ListenAddress: ":9308", MaxGroups: 20_000, MaxPartitions: 2_000_000,
	}}
	set.Var(&brokers{list: &f.cluster.Brokers}, "brokers", "Kafka brokers to start from, as host:port, comma-separated or repeated. The port defaults to 9092. Required.")
	addKafka(set, &f.cluster.Kafka)
	set.Var(&address{&f.cfg.ListenAddress}, "web.listen-address", "Address of /metrics, /livez and /readyz, plain HTTP, as host:port.")
	set.Var(&duration{&f.cfg.PollInterval, minPollInterval, maxPollInterval}, "poll-interval", "Time between the starts of two polls of the brokers.")
	set.Var(&duration{&f.cfg.MaxAge, minMaxAge, maxMaxAge}, "max-age", "Age from which a value that could not be read again counts as unknown. Must be more than --poll-interval.")
	set.Var(&pattern{&f.cluster.Groups.Include}, "group-include", "Regular expression (RE2); only consumer groups whose whole name matches are collected.")
	set.Var(&pattern{&f.cluster.Groups.Exclude}, "group-exclude", "Regular expression (RE2); consumer groups whose whole name matches are not collected.")
	set.Var(&pattern{&f.cluster.Topics.Include}, "topic-include", "Regular expression (RE2); only topics whose whole name matches are collected.")
	set.Var(&pattern{&f.cluster.Topics.Exclude}, "topic-exclude", "Regular expression (RE2); topics whose whole name matches are not collected.")
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
	set.StringVar(&f.cfg.File, "config", "", "YAML file with settings; its keys are the names of these flags. Flags override it.")
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

// Parse assembles the configuration from the arguments, the file that they name, and the defaults. The set holds these flags
// and those that only one program has, which validate checks as a whole. It can be called once: who loads the configuration
// again, defines the flags again. The error joins all mistakes; pflag.ErrHelp is returned as it is.
func (f *Flags) Parse(set *pflag.FlagSet, args []string, validate ...func() []error) (Config, error) {
	values := deferErrors(set)
	if err := set.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return Config{}, err
		}
		return Config{}, errors.Join(append(values.errors(), fmt.Errorf("%w; see --help", err))...)
	}
	if f.version {
		return Config{}, nil
	}
	var errs []error
	switch {
	case f.fileFollows && set.NArg() == 1:
		f.cfg.File = set.Arg(0)
	case f.fileFollows:
		errs = append(errs, fmt.Errorf("%d arguments besides the flags; allowed is one, the path of the configuration file", set.NArg()))
	case set.NArg() > 0:
		errs = append(errs, fmt.Errorf("argument %q is not a flag; every setting is a flag, see --help", set.Arg(0)))
	}
	if f.cfg.File != "" {
		errs = append(errs, applyFile(set, f.cfg.File))
	}
	errs = append(errs, values.errors()...)
	errs = append(errs, f.validate(set)...)
	for _, v := range validate {
		errs = append(errs, v()...)
	}
	f.cfg.hash = hash(set)
	f.cfg.Clusters = []Cluster{f.cluster}
	return f.cfg, errors.Join(errs...)
}

// validate checks what no flag can check for itself.
func (f *Flags) validate(set *pflag.FlagSet) []error {
	var errs []error
	if len(f.cluster.Brokers) == 0 && !set.Changed("brokers") {
		errs = append(errs, errors.New("--brokers: no value; name at least one Kafka broker as host:port"))
	}
	if f.cfg.MaxAge <= f.cfg.PollInterval {
		errs = append(errs, fmt.Errorf("--max-age: %s is not more than --poll-interval (%s): every value would be unknown before it is read again; "+
			"allowed is more than one interval, and two or more are sensible", f.cfg.MaxAge, f.cfg.PollInterval))
	}
	return append(errs, f.cluster.Kafka.validate()...)
}

// hash sums up the values of all settings.
func hash(set *pflag.FlagSet) string {
	sum := sha256.New()
	set.VisitAll(func(f *pflag.Flag) {
		if isSetting(f) {
			_, _ = fmt.Fprintf(sum, "%s=%q\n", f.Name, f.Value)
		}
	})
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
