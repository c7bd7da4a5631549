package metricsapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/app"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/collector"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// receiver is an OTLP collector. A span is its name, its status and its attributes and events as text.
type receiver struct {
	collectortrace.UnimplementedTraceServiceServer
	mu    sync.Mutex
	spans []string
	token []string
}

func (r *receiver) Export(ctx context.Context, request *collectortrace.ExportTraceServiceRequest) (*collectortrace.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	headers, _ := metadata.FromIncomingContext(ctx)
	r.token = headers.Get("x-token")
	for _, resource := range request.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				r.spans = append(r.spans, fmt.Sprintf("%s %s %s %v %v %v", span.Name, span.Status.GetCode(), span.Status.GetMessage(), resource.Resource, span.Attributes, span.Events))
			}
		}
	}
	return &collectortrace.ExportTraceServiceResponse{}, nil
}

// has says whether there is a span with all these parts.
func (r *receiver) has(parts ...string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, span := range r.spans {
		missing := false
		for _, part := range parts {
			missing = missing || !strings.Contains(span, part)
		}
		if !missing {
			return true
		}
	}
	return false
}

// receive opens a receiver, and sets the variables that name it. It takes spans once serve is called: its library logs by klog, whose
// logger the program sets at its start.
func receive(t *testing.T) (r *receiver, serve func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r = &receiver{}
	t.Cleanup(func() { _ = listener.Close() })
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+listener.Addr().String())
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-token=secret")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50") // ms
	return r, func() {
		server := grpc.NewServer()
		collectortrace.RegisterTraceServiceServer(server, r)
		t.Cleanup(server.Stop)
		go func() { _ = server.Serve(listener) }()
	}
}

// TestTraces runs the program: spans of polls, one of which fails, and of requests arrive.
func TestTraces(t *testing.T) {
	r, serve := receive(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	allow := authorizer.AuthorizerFunc(func(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
		return authorizer.DecisionAllow, "", nil
	})
	program := app.Program{Name: "lag-adapter", Extension: func() app.Extension { return NewLocal(Local{Listener: listener, Authorizer: allow}) }}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- program.Main(ctx, []string{"--brokers=127.0.0.1:1", "--web.listen-address=127.0.0.1:0", "--poll-interval=200ms",
			"--authentication-skip-lookup", "--shutdown-delay-duration=0s"}, io.Discard, io.Discard)
	}()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // the certificate is made at the start
	defer client.CloseIdleConnections()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(time.Minute)
	var once sync.Once
	for !r.has("GET", "/readyz") || !r.has("poll all", "STATUS_CODE_ERROR", "the cluster could not be read", `"default"`, "lag-adapter", "exception.message") {
		if time.Now().After(deadline) {
			t.Fatalf("not all spans came: %v", r.spans)
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+listener.Addr().String()+"/readyz", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := client.Do(request); err == nil {
			_ = response.Body.Close()
			once.Do(serve)
		}
		<-tick.C
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d", code)
	}
	if len(r.token) != 1 || r.token[0] != "secret" {
		t.Errorf("the headers of the variables are %v", r.token)
	}
}

func TestTracesAreOffUnlessAskedFor(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	for name, set := range map[string]map[string]string{
		"nothing": {}, "disabled": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
		"no exporter": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range set {
				t.Setenv(variable, value)
			}
			if traces, err := newTracing(t.Context(), logger); traces != nil || err != nil {
				t.Errorf("%v, %v", traces, err)
			}
		})
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	if _, err := newTracing(t.Context(), logger); err == nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_PROTOCOL") || !strings.Contains(err.Error(), "grpc") {
		t.Errorf("a protocol that is not spoken: %v", err)
	}
}

func TestSpanOfAPoll(t *testing.T) {
	r, serve := receive(t)
	serve()
	traces, err := newTracing(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	traces.poll(collector.Poll{Lane: "wanted", EndedAt: time.Now(), Observation: &lag.Observation{
		Cluster: "eu", StartedAt: time.Now().Add(-time.Second),
		Groups:  []lag.GroupObservation{{Name: "good"}, {Name: "bad", CommitsErr: errors.New("not allowed")}},
		Brokers: []lag.Broker{{ID: 7, Err: errors.New("hangs")}},
	}})
	if err := traces.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !r.has("poll wanted", "STATUS_CODE_ERROR", `"eu"`, "not allowed", "hangs", `groups.failed`, `int_value:7`) {
		t.Errorf("%v", r.spans)
	}
}
