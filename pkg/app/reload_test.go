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
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kfake"
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
	f.write(clustersYAML(map[string]*kfake.Cluster{"us": us}) + "log-level: error\ncluster-label: true\n")
	p.await("the label", func() bool { return p.exposes(lagOn("us")) })
	f.write(clustersYAML(map[string]*kfake.Cluster{"us": us}) + "log-level: error\n")
	p.await("no label again", func() bool { return p.exposes(lagOfOne) })
	if n := strings.Count(p.log.String(), "the configuration was reloaded"); n != 3 {
		t.Errorf("the level of the log has not changed:\n%s", p.log)
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

// What can be read only once is read once, and not looked at again.
func TestConfigurationFromAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "config")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		if err := os.WriteFile(pipe, []byte("brokers: ['127.0.0.1:1']\n"), 0o600); err != nil { // waits for the reader
			t.Error(err)
		}
	})
	p := start(t, "--config="+pipe)
	writing.Wait()
	p.await("a poll", func() bool { return p.exposes(`kafka_lag_collector_cluster_up{cluster="default"} 0`) })
	if !p.exposes(reloaded) {
		t.Error("it was read again")
	}
}
