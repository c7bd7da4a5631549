package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// program is lag-exporter running in this process.
type program struct {
	t       *testing.T
	url     string // of what is asked
	address string // of --web.listen-address
	log     *logBuffer
	stop    context.CancelFunc
	code    chan int
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	return startAt(t, "", args...)
}

// startAt waits for readiness at that URL, of --web.listen-address if it is empty.
func startAt(t *testing.T, url string, args ...string) *program {
	t.Helper()
	address := freeAddress(t)
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{t: t, url: cmp.Or(url, "http://"+address), address: address, log: &logBuffer{}, stop: cancel, code: make(chan int, 1)}
	args = append([]string{"--web.listen-address=" + address, "--poll-interval=200ms"}, args...)
	go func() {
		p.code <- Program{Name: "lag-exporter", lookEvery: 50 * time.Millisecond}.Main(ctx, args, io.Discard, p.log)
	}()
	t.Cleanup(cancel)
	p.await("the web server", func() bool { code, _ := p.get("/readyz"); return code == http.StatusOK })
	return p
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func (p *program) get(path string) (int, string) {
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+path, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// await waits for a condition, and fails with the log if it does not come true.
func (p *program) await(what string, condition func() bool) {
	p.t.Helper()
	deadline := time.After(30 * time.Second)
	for !condition() {
		select {
		case <-deadline:
			p.t.Fatalf("%s did not come; log:\n%s", what, p.log)
		case code := <-p.code:
			p.t.Fatalf("exit code %d while waiting for %s; log:\n%s", code, what, p.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *program) exposes(series string) bool {
	_, body := p.get("/metrics")
	return strings.Contains(body, "\n"+series+"\n")
}

// newKafka starts an in-process Kafka with one group that lags by 3 on each of two partitions.
func newKafka(t *testing.T, ports ...int) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.Ports(ports...), kfake.SeedTopics(2, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var offsets kadm.Offsets
	for p := range int32(2) {
		for range 5 {
			if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Partition: p}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		offsets.AddOffset("orders", p, 2, -1)
	}
	if err := kadm.NewClient(client).CommitAllOffsets(t.Context(), "billing", offsets); err != nil {
		t.Fatal(err)
	}
	return cluster
}

func freePort(t *testing.T) int {
	t.Helper()
	address, err := net.ResolveTCPAddr("tcp", freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	return address.Port
}

func TestServesLag(t *testing.T) {
	kafka := newKafka(t, 0, 0, 0)
	p := start(t, "--brokers="+strings.Join(kafka.ListenAddrs(), ","))
	p.await("the lag", func() bool { return p.exposes(`kafka_consumergroup_lag_sum{consumergroup="billing",topic="orders"} 6`) })
	if code, body := p.get("/livez"); code != http.StatusOK {
		t.Errorf("/livez: %d %s", code, body)
	}
	if code, body := p.get("/"); code != http.StatusOK || !strings.Contains(body, "/metrics") {
		t.Errorf("/: %d %s", code, body)
	}
	p.stop()
	if code := <-p.code; code != exitOK {
		t.Errorf("exit code %d; log:\n%s", code, p.log)
	}
}

// Row 4 of the fault catalogue, at the start: the program comes up, stays ready, says once what is wrong, and recovers alone.
func TestStartsBeforeKafka(t *testing.T) {
	port := freePort(t)
	p := start(t, fmt.Sprintf("--brokers=127.0.0.1:%d", port), "--max-age=1s")
	p.await("a failed poll", func() bool { return p.exposes(`kafka_lag_collector_cluster_up{cluster="default"} 0`) })
	p.await("several failed polls", func() bool {
		_, body := p.get("/metrics")
		return strings.Contains(body, `kafka_lag_collector_poll_duration_seconds_count{cluster="default",lane="all"} 4`)
	})
	if code, _ := p.get("/readyz"); code != http.StatusOK {
		t.Error("Kafka's health touches readiness")
	}
	if code, _ := p.get("/livez"); code != http.StatusOK {
		t.Error("Kafka's health touches liveness")
	}
	if _, body := p.get("/metrics"); strings.Contains(body, "\nkafka_consumergroup_lag") {
		t.Error("lag is shown although nothing was read")
	}
	if n := strings.Count(p.log.String(), "level=WARN"); n != 1 {
		t.Errorf("%d warnings for one state:\n%s", n, p.log)
	}
	newKafka(t, port)
	p.await("the lag", func() bool { return p.exposes(`kafka_consumergroup_lag_sum{consumergroup="billing",topic="orders"} 6`) })
}

func TestSIGTERMEndsWithExitCodeZero(t *testing.T) {
	p := start(t, "--brokers=127.0.0.1:1")
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil { // caught by the program, which runs in this process
		t.Fatal(err)
	}
	select {
	case code := <-p.code:
		if code != exitOK {
			t.Errorf("exit code %d", code)
		}
	case <-time.After(time.Minute):
		t.Fatalf("it did not stop; log:\n%s", p.log)
	}
}

func TestUsage(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for name, c := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"help":       {[]string{"--help"}, exitOK, "--poll-interval", ""},
		"version":    {[]string{"--version"}, exitOK, "lag-exporter ", ""},
		"mistakes":   {[]string{"--poll-interval=1", "--log-level=x"}, exitUsage, "", "--brokers"},
		"port taken": {[]string{"--brokers=a:1", "--web.listen-address=" + taken.Addr().String()}, exitFailed, "", "--web.listen-address"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := Program{Name: "lag-exporter"}.Main(t.Context(), c.args, &stdout, &stderr)
			if code != c.code || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
			}
		})
	}
}

func TestStopsInOrder(t *testing.T) {
	var order []string
	service := func(name string) Service {
		return serviceFunc(func(ctx context.Context) error {
			<-ctx.Done()
			order = append(order, name)
			return nil
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := runInOrder(ctx, func() { order = append(order, "readiness") }, service("api"), service("web"), service("collector"))
	if got := strings.Join(order, " "); err != nil || got != "readiness api web collector" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestOneFailureStopsTheRest(t *testing.T) {
	failure := errors.New("broken")
	stopped := false
	err := runInOrder(t.Context(), func() {}, serviceFunc(func(context.Context) error { return failure }),
		serviceFunc(func(ctx context.Context) error { <-ctx.Done(); stopped = true; return nil }))
	if !errors.Is(err, failure) || !stopped {
		t.Errorf("%v, the other stopped: %v", err, stopped)
	}
}
