package app

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

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
