package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
)

// Checker is an [Extension] that can look at what it will need.
type Checker interface {
	// Check adds what it finds to the report.
	Check(ctx context.Context, report *check.Report)
}

// checkOptions are the flags of the command.
type checkOptions struct {
	output         string
	groups, topics []string
	timeout        time.Duration
}

// The limits of --timeout.
const (
	minCheck = time.Second
	maxCheck = 5 * time.Minute
)

// CheckCommand is check: it looks at all that the program will need, as the program does, and says what it found.
func CheckCommand() Command {
	options := &checkOptions{}
	return Command{
		Name:    "check",
		Summary: "Connect to the brokers and look at what is visible and what rights lack; exit with 1 if something will not work.",
		Flags: func(set *pflag.FlagSet) {
			set.StringVarP(&options.output, "output", "o", "text", "Form of the report: text or json.")
			set.StringArrayVar(&options.groups, "group", nil, "A consumer group to look for by name; repeated for several. Brokers leave out of their lists what we may not see.")
			set.StringArrayVar(&options.topics, "topic", nil, "A topic to look for by name; repeated for several.")
			set.DurationVar(&options.timeout, "timeout", 15*time.Second, "How long to look at each cluster, at most.")
		},
		Run: func(ctx context.Context, call Call) int { return options.run(ctx, call) },
	}
}

func (o *checkOptions) run(ctx context.Context, call Call) int {
	if call.Err != nil {
		return call.Wrong()
	}
	if o.output != "text" && o.output != "json" || o.timeout < minCheck || o.timeout > maxCheck {
		_, _ = fmt.Fprintf(call.Stderr, "%s check: --output %q, --timeout %s: allowed are text and json, and %s to %s\n", call.Program.Name, o.output, o.timeout, minCheck, maxCheck)
		return exitUsage
	}
	report := &check.Report{}
	for _, cluster := range call.Loaded.Config.Clusters {
		o.cluster(ctx, call.Loaded.Config, cluster, report)
	}
	if checker, ok := call.Loaded.Extension.(Checker); ok {
		ctx, cancel := context.WithTimeout(ctx, o.timeout)
		defer cancel()
		checker.Check(ctx, report)
	}
	show := report.Print
	if o.output == "json" {
		show = report.PrintJSON
	}
	if err := show(call.Stdout); err != nil || report.Failed() {
		return exitFailed
	}
	return exitOK
}

// cluster looks at one cluster of Kafka.
func (o *checkOptions) cluster(ctx context.Context, cfg config.Config, cluster config.Cluster, report *check.Report) {
	area := "kafka " + cluster.Name
	settings := clusterSettings{Cluster: cluster, Interval: cfg.PollInterval, MaxGroups: cfg.MaxGroups, MaxPartitions: cfg.MaxPartitions}
	reading := readerConfig(settings, policies(cfg, cluster.Name), collector.NewWanted())
	reading.Timeout = o.timeout
	reader, err := kafka.NewReader(reading)
	if err != nil {
		report.Fail(area, "", "%v", err)
		return
	}
	defer reader.Close()
	findings := kafkaFindings{
		Report: report, area: area, Inspection: reader.Inspect(ctx, o.groups, o.topics),
		narrowed: cluster.Topics.Include != nil || cluster.Topics.Exclude != nil,
	}
	if !findings.connected(wayIn(cluster.Kafka)) {
		return
	}
	if exposed := cluster.Kafka.Exposed(); exposed != "" {
		report.Warn(area, "connect to the brokers by TLS", "whoever can listen on the network can read our secret: %s", exposed)
	}
	findings.brokers()
	findings.clock()
	findings.groups()
	findings.topics()
	findings.named(o.groups, o.topics)
}

// wayIn says how the brokers are connected to, without a secret.
func wayIn(k config.Kafka) string {
	way := []string{"in plain text"}
	if k.TLS.Enabled {
		way[0] = "by TLS"
		if k.TLS.CertFile != "" {
			way[0] += " with the client certificate of kafka.tls.cert-file"
		}
	}
	switch a := k.SASL; {
	case a.Mechanism == "":
	case a.Username != "":
		way = append(way, fmt.Sprintf("%s as %q", a.Mechanism, a.Username))
	case a.Kerberos.Principal != "":
		way = append(way, fmt.Sprintf("%s as %q", a.Mechanism, a.Kerberos.Principal))
	default:
		way = append(way, a.Mechanism)
	}
	return strings.Join(way, ", ")
}
