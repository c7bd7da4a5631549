package adapter

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/healthz"
	componentmetrics "k8s.io/component-base/metrics"
	"k8s.io/klog/v2"
	openapicommon "k8s.io/kube-openapi/pkg/common"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
	freshness "sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver/metrics"
	coreapi "sigs.k8s.io/custom-metrics-apiserver/pkg/generated/openapi/core"
	customapi "sigs.k8s.io/custom-metrics-apiserver/pkg/generated/openapi/custommetrics"
	externalapi "sigs.k8s.io/custom-metrics-apiserver/pkg/generated/openapi/externalmetrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

// serverName is what the server calls itself in logs and in its OpenAPI document.
const serverName = "kafka-lag-adapter"

// Server is the secure port of the metrics API. Neither its health nor its discovery depends on Kafka.
type Server struct {
	addr    net.Addr
	handler http.Handler
	run     func(context.Context) error
}

// NewServer builds the server and listens, but serves only once it runs. Its histogram of the age of the values served,
// metrics_apiserver_metric_freshness_seconds, is registered with reg.
//
// The API server library's own metrics (apiserver_*, authentication_*, …) are process-wide. They stay where the library has
// them, at /metrics of the secure port, behind authorization like everything else there.
func NewServer(opts *Options, metrics provider.MetricsProvider, reg prometheus.Registerer) (*Server, error) {
	config := genericapiserver.NewConfig(apiserver.Codecs)
	if err := opts.applyTo(config); err != nil {
		return nil, err
	}
	s, err := build(opts, config, metrics, reg)
	if err != nil {
		config.SecureServing.Listener.Close() //nolint:errcheck // the error that matters is the one being returned
		return nil, err
	}
	return s, nil
}

func build(opts *Options, config *genericapiserver.Config, metrics provider.MetricsProvider, reg prometheus.Registerer) (*Server, error) {
	var external provider.ExternalMetricsProvider // nil is not served
	if opts.ExternalMetrics {
		external = metrics
	}
	config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(definitions, openapinamer.NewDefinitionNamer(apiserver.Scheme))
	config.OpenAPIConfig.Info.Title = serverName
	config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(definitions, openapinamer.NewDefinitionNamer(apiserver.Scheme))
	config.OpenAPIV3Config.Info.Title = serverName
	limit(config)
	if opts.Traces != nil {
		config.TracerProvider = opts.Traces
	}
	config.ShutdownDelayDuration = opts.ShutdownDelay
	config.BuildHandlerChainFunc = func(handler http.Handler, c *genericapiserver.Config) http.Handler {
		return checkURL(genericapiserver.DefaultBuildHandlerChain(checkBody(checkRequest(handler, c.Serializer), c.Serializer), c), c.Serializer)
	}
	if opts.Live != nil {
		config.LivezChecks = append(config.LivezChecks,
			healthz.NamedCheck("collector", func(*http.Request) error { return opts.Live() }))
	}
	if opts.Ready != nil {
		config.ReadyzChecks = append(config.ReadyzChecks,
			healthz.NamedCheck("adapter", func(*http.Request) error { return opts.Ready() }))
	}

	server, err := (&apiserver.Config{GenericConfig: config}).Complete(nil).New(serverName, metrics, external)
	if err != nil {
		return nil, fmt.Errorf("build the metrics API server: %w", err)
	}
	generic := server.GenericAPIServer
	generic.Handler.NonGoRestfulMux.NotFoundHandler(notFoundHandler(config.Serializer))
	if err := addDiscovery(generic, metrics, external); err != nil {
		return nil, err
	}
	if err := registerFreshness(reg); err != nil {
		return nil, err
	}
	prepared := generic.PrepareRun()
	return &Server{
		addr:    config.SecureServing.Listener.Addr(),
		handler: generic.Handler,
		run:     prepared.RunWithContext,
	}, nil
}

// definitions are the OpenAPI definitions of what is served.
func definitions(ref openapicommon.ReferenceCallback) map[string]openapicommon.OpenAPIDefinition {
	all := coreapi.GetOpenAPIDefinitions(ref)
	maps.Copy(all, customapi.GetOpenAPIDefinitions(ref))
	maps.Copy(all, externalapi.GetOpenAPIDefinitions(ref))
	return all
}

// registerFreshness registers the library's histogram, which exists once per process and must be created before it counts.
func registerFreshness(reg prometheus.Registerer) error {
	err := freshness.RegisterMetrics(func(m componentmetrics.Registerable) error {
		m.Create(nil)
		return reg.Register(m)
	})
	if err != nil {
		return fmt.Errorf("register the freshness histogram: %w", err)
	}
	return nil
}

// Addr is the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.addr }

// Run serves until ctx ends. Then /readyz fails, requests are still taken for the shutdown delay, and those under way finish
// within the request timeout. It must be called once, also to close the listener.
func (s *Server) Run(ctx context.Context) error {
	if err := s.run(ctx); err != nil {
		return fmt.Errorf("serve the metrics API: %w", err)
	}
	return nil
}

// SetLogger sends what the Kubernetes libraries log to log. Their logger is one per process, so this belongs into the wiring of
// a program, before anything else of Kubernetes starts.
func SetLogger(log *slog.Logger) error {
	klog.SetSlogLogger(log)
	var flags flag.FlagSet
	klog.InitFlags(&flags)
	// TLS handshakes that fail are said at a verbosity at which nothing else is to be said.
	if err := flags.Set("vmodule", "secure_serving=5"); err != nil {
		return fmt.Errorf("set up the log of the Kubernetes libraries: %w", err)
	}
	return nil
}
