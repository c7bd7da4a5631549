package app

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A cluster that cannot be reached, or is reached but hangs, is no reason to refuse; one whose files are no good is.
func TestAddedClusterThatFailsTouchesNoOther(t *testing.T) {
	kafka, hung := newKafka(t, 0), newKafka(t, 0)
	hung.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) { hung.KeepControl(); return nil, nil, true })
	good := clustersYAML(map[string]*kfake.Cluster{"good": kafka})
	f := newFile(t, good)
	p := start(t, "--config="+f.path, "--web.enable-lifecycle", "--cluster-label", "--max-age=2s")
	p.await("the lag", func() bool { return p.exposes(lagOn("good")) })
	before := clientGoroutines()
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
	polled := polls()
	p.await("more polls", func() bool { return polls() > polled+10 })
	p.await("the good one to be known while the others are not", func() bool { // one poll may take too long here, not each
		return p.exposes(lagOn("good")) && p.exposes(`kafka_lag_collector_cluster_up{cluster="good"} 1`)
	})
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
	again := start(t, "--config="+f.path) // at the start it is tried again and again instead
	again.await("the good one", func() bool {
		return again.exposes(lagOn("good")) && again.exposes(`kafka_lag_collector_cluster_up{cluster="tls"} 0`)
	})
	if !strings.Contains(again.log.String(), ca) {
		t.Errorf("the log does not say why:\n%s", again.log)
	}
	again.stop()
	<-again.code
	f.write(good)
	p.mustReload() // also while one hangs
	p.await("the end of all that asked the others", func() bool { return clientGoroutines() <= before })
}

// clientGoroutines counts what Kafka clients do in the background.
func clientGoroutines() int {
	stacks := make([]byte, 4<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "created by github.com/twmb/franz-go/pkg/kgo.")
}

// The brokers of a cluster that has not changed notice nothing: no connection is made anew.
func TestUnchangedClusterKeepsItsConnections(t *testing.T) {
	eu, us := newKafka(t, 0), newKafka(t, 0)
	var connections atomic.Int64 // each begins with a question for the broker's versions
	eu.ControlKey(int16(kmsg.ApiVersions), func(kmsg.Request) (kmsg.Response, error, bool) {
		connections.Add(1)
		eu.KeepControl()
		return nil, nil, false
	})
	two := clustersYAML(map[string]*kfake.Cluster{"eu": eu, "us": us})
	f := newFile(t, two)
	p := start(t, "--config="+f.path, "--web.enable-lifecycle", "--poll-interval=1s") // enough for a poll of a busy machine
	settled := func() { p.await("the lag", func() bool { return p.exposes(lagOn("eu")) && p.exposes(lagOn("us")) }) }
	settled()
	before := connections.Load()
	for i := range 20 {
		f.write(strings.Replace(two, "{name: us,", fmt.Sprintf("{name: us, group-exclude: x%d,", i), 1))
		p.mustReload()
		settled()
	}
	if n := connections.Load(); n != before || before == 0 {
		t.Errorf("%d connections, then %d", before, n)
	}
	f.write(two + "group-exclude: all\n")
	p.mustReload()
	p.await("new connections to the one that has changed", func() bool { return connections.Load() > before })
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
