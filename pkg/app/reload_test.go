package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	reloaded = "kafka_lag_config_last_reload_successful 1"
	refused  = "kafka_lag_config_last_reload_successful 0"
)

// file is a configuration file of the test's own.
type file struct {
	t    *testing.T
	path string
}

func newFile(t *testing.T, text string) *file {
	t.Helper()
	f := &file{t: t, path: filepath.Join(t.TempDir(), "config.yaml")}
	f.write(text)
	return f
}

// write replaces the contents at once.
func (f *file) write(text string) {
	f.t.Helper()
	if err := os.WriteFile(f.path+".new", []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(f.path+".new", f.path); err != nil {
		f.t.Fatal(err)
	}
}

// clustersYAML is a setting of clusters, by name.
func clustersYAML(clusters map[string]*kfake.Cluster) string {
	var text strings.Builder
	text.WriteString("clusters:\n")
	for name, cluster := range clusters {
		fmt.Fprintf(&text, "- {name: %s, brokers: [%q]}\n", name, cluster.ListenAddrs()[0])
	}
	return text.String()
}

func (p *program) post() (int, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+"/-/reload", http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// mustReload reloads by a request.
func (p *program) mustReload() {
	p.t.Helper()
	if code, body := p.post(); code != http.StatusOK {
		p.t.Fatalf("%d %s", code, body)
	}
}

func lagOn(cluster string) string {
	return fmt.Sprintf(`kafka_consumergroup_lag_sum{cluster=%q,consumergroup="billing",topic="orders"} 6`, cluster)
}

const lagOfOne = `kafka_consumergroup_lag_sum{consumergroup="billing",topic="orders"} 6`

func TestClustersComeAndGoByTheFile(t *testing.T) {
	eu, us := newKafka(t, 0), newKafka(t, 0)
	f := newFile(t, "brokers: "+eu.ListenAddrs()[0]+"\n")
	p := start(t, "--config="+f.path)
	p.await("the lag", func() bool { return p.exposes(lagOfOne) })
	f.write(clustersYAML(map[string]*kfake.Cluster{"eu": eu, "us": us}))
	p.await("both", func() bool { return p.exposes(lagOn("eu")) && p.exposes(lagOn("us")) })
	if _, body := p.get("/metrics"); strings.Contains(body, lagOfOne) || strings.Contains(body, `"default"`) {
		t.Error("the one that was there before has series still")
	}
	f.write(clustersYAML(map[string]*kfake.Cluster{"us": us}) + "cluster-label: true\n")
	p.await("the end of one", func() bool { _, body := p.get("/metrics"); return !strings.Contains(body, `"eu"`) })
	if !p.exposes(lagOn("us")) {
		t.Error("the one that stayed has lost its series or its label")
	}
	f.write(clustersYAML(map[string]*kfake.Cluster{"us": us}))
	p.await("no label", func() bool { return p.exposes(lagOfOne) })
	if n := strings.Count(p.log.String(), "the configuration was reloaded"); n != 3 {
		t.Errorf("%d reloads are logged:\n%s", n, p.log)
	}
}

// Row 27 of the fault catalogue: what is wrong is refused as a whole, and what was right before goes on.
func TestRow27InvalidConfigurationKeepsTheOldOne(t *testing.T) {
	kafka := newKafka(t, 0)
	good := "brokers: " + kafka.ListenAddrs()[0] + "\n"
	f := newFile(t, good)
	p := start(t, "--config="+f.path)
	p.await("the lag", func() bool { return p.exposes(lagOfOne) && p.exposes(reloaded) })
	hash := func() string {
		_, body := p.get("/metrics")
		_, rest, _ := strings.Cut(body, `config_hash="`)
		return rest[:strings.Index(rest, `"`)]
	}
	first := hash()
	for what, text := range map[string]string{
		"an unknown key":    good + "max-gruops: 1\n",
		"a wrong value":     good + "max-age: soon\n",
		"no YAML":           "brokers: [",
		"half a file":       good[:len(good)/3],
		"what must restart": good + "log-format: json\n",
		"a missing file":    "",
	} {
		if text == "" {
			if err := os.Remove(f.path); err != nil {
				t.Fatal(err)
			}
		} else {
			f.write(text)
		}
		p.await(what, func() bool { return p.exposes(refused) })
		if !p.exposes(lagOfOne) || hash() != first {
			t.Errorf("%s: the old configuration does not go on", what)
		}
		f.write(good + "# after " + what + "\n")
		p.await("the end of "+what, func() bool { return p.exposes(reloaded) })
	}
	if n := strings.Count(p.log.String(), "was not reloaded"); n != 6 {
		t.Errorf("%d refusals are logged:\n%s", n, p.log)
	}
	if !strings.Contains(p.log.String(), "log-format: \\\"json\\\" instead of \\\"text\\\"") {
		t.Errorf("what needs a restart is not named:\n%s", p.log)
	}
	f.write(good + "max-groups: 7\n")
	p.await("another hash", func() bool { return hash() != first })
}

func TestReloadsOnSIGHUPAndByRequest(t *testing.T) {
	eu, us := newKafka(t, 0), newKafka(t, 0)
	both := clustersYAML(map[string]*kfake.Cluster{"eu": eu, "us": us})
	f := newFile(t, clustersYAML(map[string]*kfake.Cluster{"eu": eu}))
	p := start(t, "--config="+f.path, "--web.enable-lifecycle", "--cluster-label")
	p.await("the lag", func() bool { return p.exposes(lagOn("eu")) })
	f.write(both)
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil { // to the program, which runs in this process
		t.Fatal(err)
	}
	p.await("both", func() bool { return p.exposes(lagOn("us")) })
	if !strings.Contains(p.log.String(), "trigger=SIGHUP") {
		t.Errorf("the file came first:\n%s", p.log)
	}
	f.write(both + "max-age: 1s\npoll-interval: 2s\nmax-gruops: 1\n")
	if code, body := p.post(); code != http.StatusInternalServerError || !strings.Contains(body, "max-gruops") || !strings.Contains(body, "line") {
		t.Errorf("%d %s", code, body)
	}
	f.write(clustersYAML(map[string]*kfake.Cluster{"us": us}))
	p.mustReload()
	if _, body := p.get("/metrics"); strings.Contains(body, `"eu"`) || !strings.Contains(body, lagOn("us")) {
		t.Error("the reload has not taken effect when the request is answered")
	}
	if code, _ := p.get("/-/reload"); code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", code)
	}
	if code, body := start(t, "--brokers=127.0.0.1:1").post(); code != http.StatusForbidden || !strings.Contains(body, "--web.enable-lifecycle") {
		t.Errorf("without having been allowed: %d %s", code, body)
	}
}

// A cluster that cannot be reached, or is reached but hangs, is no reason to refuse; one whose files are no good is.
func TestAddedClusterThatFailsTouchesNoOther(t *testing.T) {
	kafka, hung := newKafka(t, 0), newKafka(t, 0)
	hung.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) { hung.KeepControl(); return nil, nil, true })
	good := clustersYAML(map[string]*kfake.Cluster{"good": kafka})
	f := newFile(t, good)
	p := start(t, "--config="+f.path, "--web.enable-lifecycle", "--cluster-label", "--max-age=2s")
	p.await("the lag", func() bool { return p.exposes(lagOn("good")) })
	f.write(good + fmt.Sprintf("- {name: hung, brokers: [%q]}\n- {name: wrong, brokers: ['127.0.0.1:1']}\n", hung.ListenAddrs()[0]))
	p.mustReload()
	for _, name := range []string{"hung", "wrong"} {
		p.await(name, func() bool { return p.exposes(fmt.Sprintf("kafka_lag_collector_cluster_up{cluster=%q} 0", name)) })
	}
	polls := func() (n int) {
		_, body := p.get("/metrics")
		_, rest, _ := strings.Cut(body, `kafka_lag_collector_poll_duration_seconds_count{cluster="good",lane="all"} `)
		_, _ = fmt.Sscan(rest, &n)
		return n
	}
	before := polls()
	p.await("more polls", func() bool { return polls() > before+10 })
	if !p.exposes(lagOn("good")) || !p.exposes(`kafka_lag_collector_cluster_up{cluster="good"} 1`) {
		t.Error("others have taken it with them")
	}
	if code, body := p.get("/livez"); code != http.StatusOK {
		t.Errorf("/livez: %s", body)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.write(good + fmt.Sprintf("- {name: tls, brokers: [a], kafka: {tls: {enabled: true, ca-file: %s}}}\n", ca))
	if code, body := p.post(); code != http.StatusInternalServerError || !strings.Contains(body, ca) {
		t.Errorf("%d %s", code, body)
	}
	f.write(good)
	p.mustReload() // also while one hangs
}

// 100 reloads, of which each replaces a cluster, adds or removes another, leave nothing behind.
func TestManyReloadsLeakNothing(t *testing.T) {
	eu, us := newKafka(t, 0), newKafka(t, 0)
	one, two := clustersYAML(map[string]*kfake.Cluster{"eu": eu}), clustersYAML(map[string]*kfake.Cluster{"eu": eu, "us": us})
	f := newFile(t, two)
	p := start(t, "--config="+f.path, "--web.enable-lifecycle", "--cluster-label", "--poll-interval=5s")
	settled := func(what string) {
		p.await(what, func() bool { return p.exposes(lagOn("eu")) && p.exposes(lagOn("us")) })
	}
	settled("the lag")
	before := runtime.NumGoroutine()
	for i := range 100 {
		f.write([]string{one, two}[i%2] + fmt.Sprintf("max-groups: %d\n", 100+i))
		p.mustReload()
		if !p.exposes(lagOn("eu")) {
			t.Fatalf("there is a gap after reload %d", i)
		}
	}
	settled("the lag at the end")
	const some = 10 // idle connections of the test's own
	p.await("as few goroutines as before", func() bool { return runtime.NumGoroutine() <= before+some })
	if strings.Contains(p.log.String(), "cannot be read") {
		t.Errorf("something could not be read:\n%s", p.log)
	}
}

// Requests that come during a reload are all answered by one more.
func TestTriggersCoalesce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loads := 0
		proceed := make(chan struct{})
		broken := errors.New("broken")
		r := &reloader{
			load: func() (Loaded, error) {
				if loads++; loads == 1 {
					<-proceed
				}
				return Loaded{}, broken
			},
			metrics: newReloadMetrics(prometheus.NewRegistry(), "test", "0"), logger: slog.New(slog.DiscardHandler),
			every: time.Minute, requests: make(chan chan error), ended: make(chan struct{}),
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running, requests sync.WaitGroup
		running.Go(func() { _ = r.Run(ctx) })
		for range 50 {
			requests.Go(func() {
				if err := r.request(ctx); !errors.Is(err, broken) {
					t.Errorf("the outcome is %v", err)
				}
			})
			synctest.Wait()
		}
		close(proceed)
		requests.Wait()
		if loads != 2 {
			t.Errorf("%d loads for 50 requests", loads)
		}
		if v := testutil.ToFloat64(r.metrics.successful); v != 0 {
			t.Errorf("the series says %v", v)
		}
		cancel()
		running.Wait()
		recorder := httptest.NewRecorder()
		r.handler(true).ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/-/reload", http.NoBody))
		if recorder.Code != http.StatusInternalServerError || !strings.Contains(recorder.Body.String(), errEnding.Error()) {
			t.Errorf("after the end: %d %s", recorder.Code, recorder.Body)
		}
	})
}
