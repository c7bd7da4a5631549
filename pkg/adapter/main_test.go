package adapter

import (
	"bytes"
	"errors"
	"flag"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"k8s.io/klog/v2"
)

// logged is what the Kubernetes libraries logged lately.
var logged tail

// TestMain sets their logger before any of their goroutines runs, as a program must. And it makes the property tests try more
// than rapid's 100 cases each, unless the command line says how many.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "1000"); err != nil {
		panic(err)
	}
	if err := SetLogger(slog.New(slog.NewTextHandler(&logged, nil))); err != nil {
		panic(err)
	}
	m.Run()
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len() > 1<<20 {
		l.buf.Reset()
	}
	return l.buf.Write(p)
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestKubernetesLogsGoToTheLogger(t *testing.T) {
	klog.ErrorS(errors.New("refused"), "No connection", "to", "127.0.0.1")
	klog.Background().V(4).Info("Chatter")
	for _, part := range []string{"level=ERROR", `msg="No connection"`, "err=refused", "to=127.0.0.1"} {
		if !strings.Contains(logged.String(), part) {
			t.Errorf("%q lacks %q", logged.String(), part)
		}
	}
	if strings.Contains(logged.String(), "Chatter") {
		t.Errorf("%q has what was logged at a lower level", logged.String())
	}
}
