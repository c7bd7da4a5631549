// Package metricsapi wires the adapter's part of the program: the Kubernetes client and the metrics API. It is apart from
// package app so that lag-exporter links none of it.
package metricsapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/oklog/run"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/kubernetes"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/adapter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/app"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/config"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kube"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/tenants"
)

// Extension is the metrics API as a part of the program.
type Extension struct {
	client *kube.ClientOptions
	server *adapter.Options
	local  *Local
	bind   string
	// namespaces are what was granted to each; nil if that was not set.
	namespaces map[string]config.Grant
	isolate    bool
	// wantedInterval is how often the groups are polled that the metrics API was asked for.
	wantedInterval time.Duration
}

// Local stands in for a cluster: what the adapter asks of Kubernetes, answered by the caller.
type Local struct {
	Pods        adapter.Pods
	Objects     adapter.Objects
	Annotations adapter.Annotations
	Authorizer  authorizer.Authorizer
	Listener    net.Listener // of the secure port; --bind-address and --secure-port if nil
}

// New returns the metrics API with its flags at their defaults.
func New() *Extension {
	return &Extension{client: kube.NewClientOptions(), server: adapter.NewOptions(), bind: bindMembership, wantedInterval: time.Second}
}

// NewLocal returns the metrics API for a program that runs without a cluster, such as the demo.
func NewLocal(local Local) *Extension {
	e := New()
	e.local = &local
	e.server.Authorizer, e.server.Listener = local.Authorizer, local.Listener
	return e
}

// FlagGroups returns the flags of the Kubernetes client and of the API server.
func (e *Extension) FlagGroups() []app.FlagGroup {
	client := pflag.NewFlagSet("client", pflag.ContinueOnError)
	e.client.AddFlags(client)
	server := pflag.NewFlagSet("server", pflag.ContinueOnError)
	e.server.AddFlags(server)
	server.DurationVar(&e.wantedInterval, "hot-interval", e.wantedInterval, "Time between the starts of two polls of the consumer groups that the "+
		"metrics API was asked for in the last 10 minutes; all others are polled every --poll-interval. 0 polls all of them alike.")
	config.AddChoice(server, &e.bind, "bind", []string{bindSelector, bindAnnotation, bindMembership}, "How the consumer groups of an object are found. "+bindSelector+": by the metric selector alone, for "+
		"which no right on pods is needed and Pods metrics are not served; "+bindAnnotation+": by the metric selector, or by annotations; "+
		bindMembership+": by the metric selector, by annotations, or by which groups the object's pods are members of.")
	config.AddNamespaces(server, &e.namespaces)
	server.BoolVar(&e.isolate, "isolate-namespaces", e.isolate, "Answer requests for a namespace as if no consumer groups existed but those that "+
		"--namespaces grants to it.")
	return []app.FlagGroup{{Heading: "Kubernetes client", Flags: client}, {Heading: "Metrics API server", Flags: server}}
}

// Validate returns every mistake in the flags.
func (e *Extension) Validate() []error {
	e.server.UseKubeconfig(e.client.Kubeconfig)
	errs := e.server.Validate()
	if i := e.wantedInterval; i != 0 && (i < minWantedInterval || i > maxWantedInterval) {
		errs = append(errs, fmt.Errorf("--hot-interval: %s is not a duration from %s to %s, or 0", i, minWantedInterval, maxWantedInterval))
	}
	if e.isolate && e.namespaces == nil {
		errs = append(errs, errors.New("--isolate-namespaces: without the setting namespaces no namespace is granted any consumer group, and nothing would be answered; "+
			"grant some, or set namespaces to {} if that is what you want"))
	}
	return errs
}

// The values of --bind. Each includes those before.
const (
	bindSelector   = "selector"
	bindAnnotation = "annotation"
	bindMembership = "membership"
)

// The limits of --hot-interval.
const (
	minWantedInterval = 200 * time.Millisecond
	maxWantedInterval = time.Minute
)

// WantedInterval is how often the groups are polled that the metrics API was asked for.
func (e *Extension) WantedInterval() time.Duration { return e.wantedInterval }

// Build connects to the cluster and opens the secure port.
func (e *Extension) Build(core app.Core) (app.Service, error) {
	if err := adapter.SetLogger(slog.New(quieter{core.Logger.Handler()})); err != nil {
		return nil, err
	}
	local, pods, err := e.cluster(core.Logger)
	if err != nil {
		return nil, err
	}
	s := &service{pods: pods, local: local, ages: adapter.NewAges(core.Registry)}
	s.answers.set(e.provider(s, core))
	traces, err := newTracing(context.Background(), core.Logger)
	if err != nil {
		return nil, err
	}
	if traces != nil {
		e.server.Traces = traces
		core.EachPoll(traces.poll)
	}
	e.server.Live = core.Live
	if pods != nil {
		pods.Register(core.Registry)
		e.server.Ready = func() error {
			if !pods.Synced() { // a rollout must not take the old pods away before the new ones can answer
				return errors.New("the list of pods is not in yet")
			}
			return nil
		}
	}
	if s.server, err = adapter.NewServer(e.server, adapter.CountRequests(&s.answers, core.Registry), core.Registry); err != nil {
		return nil, fmt.Errorf("metrics API: %w", err)
	}
	core.Logger.Info("metrics API", "address", s.server.Addr().String())
	return s, nil
}

// Reloadable names the flags that only say how requests are answered.
func (e *Extension) Reloadable() []string {
	return []string{"hot-interval", "isolate-namespaces", "namespaces"}
}

// Adopt has the requests answered as these settings say that come from now on.
func (e *Extension) Adopt(running app.Service, core app.Core) {
	s := running.(*service)
	s.answers.set(e.provider(s, core))
}

// provider answers requests as the settings say.
func (e *Extension) provider(s *service, core app.Core) *adapter.Provider {
	grants := grants(e.namespaces)
	return adapter.NewProvider(adapter.ProviderConfig{
		Source: e.source(core.Store, grants), Interest: core.Wanted, MaxAge: core.Config.MaxAge,
		Binder: adapter.NamespaceBinder{Grants: grants, Others: e.binder(s.local, core)},
		Pods:   s.local.Pods, Objects: s.local.Objects, Ages: s.ages,
	})
}

// binder returns what --bind says.
func (e *Extension) binder(local Local, core app.Core) adapter.Binder {
	if e.bind == bindSelector {
		return adapter.SelectorBinder{}
	}
	return &adapter.ObjectBinder{
		Annotations: local.Annotations, Pods: local.Pods, All: core.Store, Membership: e.bind == bindMembership, MaxAge: core.Config.MaxAge,
	}
}

// source shows the snapshots to namespaces.
func (e *Extension) source(all tenants.Source, grants tenants.Grants) adapter.Source {
	if e.isolate {
		return tenants.NewIsolated(all, grants)
	}
	return tenants.Open{Source: all}
}

func grants(namespaces map[string]config.Grant) tenants.Grants {
	grants := make(tenants.Grants, len(namespaces))
	for namespace, grant := range namespaces {
		grants[namespace] = tenants.Grant(grant)
	}
	return grants
}

// cluster returns what answers for Kubernetes, and the pod list to keep up to date if there is a real cluster and pods are needed.
func (e *Extension) cluster(logger *slog.Logger) (Local, *kube.Pods, error) {
	if e.local != nil {
		return *e.local, nil, nil
	}
	cfg, err := e.client.RESTConfig()
	if err != nil {
		return Local{}, nil, fmt.Errorf("--kubeconfig: %w", err)
	}
	objects, err := kube.NewObjects(cfg)
	if err != nil {
		return Local{}, nil, fmt.Errorf("kubernetes client: %w", err)
	}
	if e.bind == bindSelector {
		return Local{Objects: objects}, nil, nil
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return Local{}, nil, fmt.Errorf("kubernetes client: %w", err)
	}
	pods := kube.NewPods(client, logger)
	return Local{Pods: pods, Objects: objects, Annotations: kube.NewAnnotations(pods, objects)}, pods, nil
}

// service runs the server, and the pod list for as long as the server does.
type service struct {
	server  *adapter.Server
	answers answers
	pods    *kube.Pods
	local   Local
	ages    prometheus.Observer
}

// Run serves until the context ends and the requests under way have finished.
func (s *service) Run(ctx context.Context) error {
	var group run.Group
	if s.pods != nil {
		podsCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
		group.Add(func() error { return s.pods.Run(podsCtx) }, func(error) { stop() })
	}
	serverCtx, stop := context.WithCancel(ctx)
	group.Add(func() error { return s.server.Run(serverCtx) }, func(error) { stop() })
	return group.Run()
}

// quieter takes what the Kubernetes libraries call information for debugging: each start has some twenty lines of it, which say
// nothing to an operator.
type quieter struct{ slog.Handler }

// handshakeLevel is that of TLS handshakes that failed, which are for debugging as well.
const handshakeLevel = slog.Level(-5)

// Enabled says yes to what may be about a handshake until the message is known.
func (q quieter) Enabled(ctx context.Context, level slog.Level) bool {
	if level == handshakeLevel {
		level = slog.LevelDebug
	}
	return q.Handler.Enabled(ctx, demoted(level))
}

func (q quieter) Handle(ctx context.Context, record slog.Record) error {
	if app.FromServer(record.Message) {
		return app.ServerLog{Handler: q.Handler}.Handle(ctx, record)
	}
	record.Level = demoted(record.Level)
	if !q.Handler.Enabled(ctx, record.Level) {
		return nil
	}
	return q.Handler.Handle(ctx, record)
}

func (q quieter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quieter{q.Handler.WithAttrs(attrs)}
}

func (q quieter) WithGroup(name string) slog.Handler { return quieter{q.Handler.WithGroup(name)} }

// demoted also gives levels in between, which klog has and nobody else, the name of one that there is.
func demoted(level slog.Level) slog.Level {
	if level >= slog.LevelDebug && level < slog.LevelWarn {
		return slog.LevelDebug
	}
	return level
}
