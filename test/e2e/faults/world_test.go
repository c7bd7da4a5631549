package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/controlplane"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/proxies"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/watch"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/members"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
)

// stabilization is what the control plane's HPA controller is given.
const stabilization = 5 * time.Second

// world is all that runs: three brokers under load, a control plane, two adapters behind the aggregation layer, a sidecar, Prometheus.
type world struct {
	*stack.Stack
	size
	where    layout.Layout
	replicas *stack.Replicas
	sidecar  *exporter.Exporter
	load     *load.Load
	proxies  *proxies.Proxies
	named    *proxies.Proxies // to whose addresses names lead that only a test's DNS server knows
	guarded  *proxies.Proxies // for the guest
	guest    *guest           // nil unless a row has one
	guests   int              // that were invited so far
	ca       *pki.CA          // of the guarded listener
	java     members.Config
	others   []*proc.Process
	scene    scene    // of the row under way
	flooded  *flooded // by row 24
}

func start(ctx context.Context, where layout.Layout, dir string) (*world, error) {
	w := &world{size: sizeOf(), where: where}
	if err := w.start(ctx, dir); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *world) start(ctx context.Context, dir string) (err error) {
	if err := w.startKafka(ctx, dir); err != nil {
		return err
	}
	w.java = members.Config{Libs: w.where.KafkaLibs(), Dir: filepath.Join(dir, "members"), Bootstrap: w.Kafka.Bootstrap()}
	if w.load, err = load.Start(ctx, load.Config{Bootstrap: w.Kafka.Bootstrap(), Groups: w.groups, Scaled: w.scaled, Members: &w.java}); err != nil {
		return err
	}
	if w.replicas, err = w.DeployReplicas(ctx, 2, []string{"external-metrics"}, w.replicaArgs); err != nil {
		return err
	}
	if w.sidecar, err = exporter.Start(ctx, w.where, dir, "sidecar", append(w.args(), "--brokers="+w.Kafka.Bootstrap())...); err != nil {
		return err
	}
	if err := load.Scale(ctx, w.ControlPlane.Client, w.scaled); err != nil {
		return err
	}
	return w.startPrometheus(dir)
}

// proxied is the listener for those that reach the brokers by proxies: the last replica.
const proxied = "PROXIED"

// named is the listener whose brokers have names. bootstrapNames are those names.
const named = "NAMED"

func (w *world) bootstrapNames() []string {
	var names []string
	for i, address := range w.named.Addresses {
		_, port, _ := strings.Cut(address, ":")
		names = append(names, fmt.Sprintf("broker-%d.faults.test:%s", i+1, port))
	}
	return names
}

func (w *world) startKafka(ctx context.Context, dir string) (err error) {
	const brokers = 3
	if w.proxies, err = proxies.Pick(brokers); err != nil {
		return err
	}
	if w.named, err = proxies.Pick(brokers); err != nil {
		return err
	}
	if w.guarded, err = proxies.Pick(brokers); err != nil {
		return err
	}
	if w.ca, err = pki.NewCA("the brokers' CA"); err != nil {
		return err
	}
	guardedListener, err := guardedListener(w.ca, w.guarded.Addresses)
	if err != nil {
		return err
	}
	audit := filepath.Join(dir, "audit.yaml")
	if err := os.WriteFile(audit, []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	w.Stack, err = stack.StartWith(ctx, w.where, dir, kafka.Config{
		Nodes: brokers, Properties: brokerProperties(), JVM: w.jvm(),
		Listeners: []kafka.Listener{
			{Name: proxied, Protocol: "PLAINTEXT", Advertised: w.proxies.Addresses},
			{Name: named, Protocol: "PLAINTEXT", Advertised: w.bootstrapNames()},
			guardedListener,
		},
	}, map[string][]string{
		controlplane.ControllerManager: {"--horizontal-pod-autoscaler-sync-period=" + w.sync.String()},
		controlplane.APIServer:         {"--audit-policy-file=" + audit, "--audit-log-maxsize=2000"},
	})
	if err != nil {
		return err
	}
	for name, p := range map[string]*proxies.Proxies{proxied: w.proxies, guarded: w.guarded, named: w.named} {
		behind, err := w.Kafka.BootstrapOf(name)
		if err != nil {
			return err
		}
		if err := p.Start(strings.Split(behind, ",")); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) replicaArgs(i int) []string {
	args := append(w.args(), "--external-metrics=true", "--web.enable-lifecycle")
	if i == proxiedReplica {
		args = append(args, "--brokers="+w.proxies.Bootstrap())
	}
	return args
}

// proxiedReplica is the one between which and the brokers the network fails.
const proxiedReplica = 1

// brokerProperties let brokers go on without one that hangs, within seconds.
func brokerProperties() map[string]string {
	return map[string]string{
		"default.replication.factor": "3", // also of the topics that streams groups make
		"replica.lag.time.max.ms":    "3000", "controller.socket.timeout.ms": "3000",
		"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
		"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":           "User:ANONYMOUS", // the brokers among themselves, and all but the guest
	}
}

// args are of both programs.
func (w *world) args() []string {
	return []string{
		"--poll-interval=" + w.poll.String(), "--max-age=" + w.maxAge.String(),
		"--earliest-groups=.*" + load.Earliest, "--read-committed-groups=.*" + load.Committed,
	}
}

// startPrometheus scrapes all three. It is a part of the load, and is left out where there is no Prometheus.
func (w *world) startPrometheus(dir string) error {
	path, _ := exec.LookPath("prometheus") // empty if there is none
	if path == "" {
		fmt.Fprintln(os.Stderr, "NOT TESTED: scrapes by Prometheus, which needs its program prometheus (on Debian, the package prometheus)")
		return nil
	}
	var targets []string
	for _, url := range w.urls() {
		targets = append(targets, fmt.Sprintf("%q", strings.TrimPrefix(url, "http://")))
	}
	dir = filepath.Join(dir, "prometheus")
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 2s}\nscrape_configs:\n- job_name: kafka\n  static_configs: [{targets: [%s]}]\n", strings.Join(targets, ","))
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		return err
	}
	port, err := ports.Free(1)
	if err != nil {
		return err
	}
	p, err := proc.Start(proc.Spec{Name: "prometheus", Path: path, LogDir: dir, Args: []string{
		"--config.file=" + config, "--storage.tsdb.path=" + filepath.Join(dir, "data"), fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port[0]),
	}})
	if err == nil {
		w.others = append(w.others, p)
	}
	return err
}

// urls are those of /metrics, by source.
func (w *world) urls() map[string]string {
	urls := map[string]string{"sidecar": w.sidecar.URL()}
	for i, a := range w.replicas.All {
		urls[replica(i)] = a.WebURL
	}
	if w.guest != nil {
		urls[guestName] = w.guest.adapter.WebURL
	}
	return urls
}

const replicaPrefix = "replica-"

func replica(i int) string { return fmt.Sprint(replicaPrefix, i) }

// targets are what is watched.
func (w *world) targets() watch.Targets {
	t := watch.Targets{
		Metrics: w.urls(), Ready: map[string]func(context.Context) error{},
		Client: w.ControlPlane.Client, Namespace: load.Namespace, Metric: load.Metric,
	}
	for i, a := range w.replicas.All {
		t.Ready[replica(i)+" API"] = a.Ready
	}
	if w.guest != nil {
		t.Ready[guestName+" API"] = w.guest.adapter.Ready
		t.Direct = map[string]kubernetes.Interface{guestName: w.guest.api}
	}
	for _, kind := range load.Kinds() {
		for i := range w.scaled {
			t.Subjects = append(t.Subjects, watch.Subject{Kind: kind, Group: fmt.Sprintf("%s-%d", kind, i)})
		}
	}
	return t
}

// rules are what the checker goes by.
func (w *world) rules() check.Rules {
	rules := check.Rules{Poll: w.poll, MaxAge: w.maxAge, Policy: load.Policy, Stabilization: stabilization, Scale: map[string]check.Scale{}}
	for _, s := range w.targets().Subjects {
		rules.Scale[s.Group] = check.Scale{Group: s.Group, Topic: s.Group, Target: load.Target}
	}
	return rules
}

// Explain says where to look after a failure.
func (w *world) Explain() string { return w.Stack.Explain() }

// Close ends everything. Logs stay.
func (w *world) Close() error {
	errs := []error{w.dismiss()}
	for _, p := range w.others {
		errs = append(errs, p.Kill())
	}
	if w.sidecar != nil {
		errs = append(errs, w.sidecar.Stop())
	}
	if w.load != nil {
		errs = append(errs, w.load.Close())
	}
	if w.Stack != nil {
		errs = append(errs, w.Stack.Close())
	}
	for _, p := range []*proxies.Proxies{w.proxies, w.guarded, w.named} {
		if p != nil {
			p.Close()
		}
	}
	return errors.Join(errs...)
}
