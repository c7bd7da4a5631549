package metricsapi

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/version"
)

// tracing sends spans of polls and of requests by OTLP. OpenTelemetry's own variables say where, and how many; without an endpoint there
// is none.
type tracing struct {
	*sdktrace.TracerProvider
	tracer trace.Tracer
}

// newTracing returns nil if the variables ask for no traces. It does not connect yet.
func newTracing(ctx context.Context, logger *slog.Logger) (*tracing, error) {
	if cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")) == "" ||
		strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nil, nil
	}
	const protocols = "OTEL_EXPORTER_OTLP_PROTOCOL"
	if protocol := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), os.Getenv(protocols), "grpc"); protocol != "grpc" {
		return nil, fmt.Errorf("tracing: %s: %q is not spoken; set it to grpc, and the endpoint to that of OTLP over gRPC, which mostly has port 4317", protocols, protocol)
	}
	exporter, err := otlptracegrpc.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing: the variables OTEL_EXPORTER_OTLP_… do not make sense: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "lag-adapter"), attribute.String("service.version", version.Version())), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("tracing: the variable OTEL_RESOURCE_ATTRIBUTES does not make sense: %w", err)
	}
	otel.SetErrorHandler(&seldom{logger: logger})
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return &tracing{TracerProvider: provider, tracer: provider.Tracer("kafka-lag-adapter")}, nil
}

// Shutdown sends what is left, unless that takes too long for a program that ends.
func (t *tracing) Shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return t.TracerProvider.Shutdown(ctx)
}

// poll makes a span of a poll that has ended.
func (t *tracing) poll(p collector.Poll) {
	obs := p.Observation
	_, span := t.tracer.Start(context.Background(), "poll "+p.Lane, trace.WithTimestamp(obs.StartedAt), trace.WithAttributes(
		attribute.String("cluster", obs.Cluster), attribute.String("lane", p.Lane), attribute.Int("brokers", len(obs.Brokers)),
		attribute.Int("groups", len(obs.Groups)), attribute.Int("topics", len(obs.Topics))))
	fail := func(what string, err error, at ...attribute.KeyValue) {
		if err != nil {
			span.RecordError(err, trace.WithTimestamp(p.EndedAt), trace.WithAttributes(at...))
			span.SetStatus(codes.Error, what)
		}
	}
	var groups int
	var first error
	for i := range obs.Groups {
		if err := cmp.Or(obs.Groups[i].CommitsErr, obs.Groups[i].MembersErr); err != nil {
			groups++
			first = cmp.Or(first, err)
		}
	}
	span.SetAttributes(attribute.Int("groups.failed", groups))
	fail("consumer groups could not be read", first)
	for i := range obs.Brokers {
		fail("a broker failed", obs.Brokers[i].Err, attribute.Int("broker", int(obs.Brokers[i].ID)))
	}
	fail("the list of groups is not complete", obs.ListingErr)
	fail("the cluster could not be read", obs.MetadataErr)
	span.End(trace.WithTimestamp(p.EndedAt))
}

// seldom logs that spans could not be sent, at most once a minute: the next ones will fail, too.
type seldom struct {
	logger *slog.Logger
	last   atomic.Int64 // Unix time in seconds
}

// Handle takes an error of OpenTelemetry's.
func (s *seldom) Handle(err error) {
	now := time.Now().Unix()
	if last := s.last.Load(); now-last >= 60 && s.last.CompareAndSwap(last, now) {
		s.logger.Warn("traces could not be sent; see OTEL_EXPORTER_OTLP_ENDPOINT", "err", err)
	}
}
