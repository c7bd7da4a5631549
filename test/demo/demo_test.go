package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/demo/hpa"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/demo/traffic"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/demo/view"
)

// TestMain holds the demo to stopping all that it starts.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inOwnProcess says whether the test is to be run here. If not, it has been run in a process of its own, of which there is a fresh
// one for each test that starts the adapter: the Kubernetes libraries have one logger per process, which must not be replaced
// while goroutines of an earlier server may still use it.
func inOwnProcess(t *testing.T) bool {
	t.Helper()
	const marker = "DEMO_TEST_PROCESS"
	if os.Getenv(marker) == t.Name() {
		return true
	}
	own := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	own.Env = append(os.Environ(), marker+"="+t.Name())
	if output, err := own.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	return false
}

// fakeDisplay calls what is set. Notes may come late, from libraries that log after they have stopped.
type fakeDisplay struct {
	PrintFunc func(text string) error
	ShowFunc  func(view.Row) error
	NoteFunc  func(level slog.Level, text string)
}

func (d fakeDisplay) Print(text string) error { return d.PrintFunc(text) }
func (d fakeDisplay) Show(row view.Row) error { return d.ShowFunc(row) }
func (d fakeDisplay) Note(level slog.Level, text string) {
	if d.NoteFunc != nil {
		d.NoteFunc(level, text)
	}
}

// quick is a run in which one load comes and goes.
func quick() settings {
	return settings{
		pollInterval: 200 * time.Millisecond,
		sync:         200 * time.Millisecond,
		autoscaler:   hpa.Spec{TargetAverage: 20, Min: 1, Max: 6, ScaleDownWindow: 500 * time.Millisecond},
		partitions:   6,
		rate: func(elapsed time.Duration) float64 {
			if elapsed < 3*time.Second {
				return 300
			}
			return 5
		},
		consumerRate: 80,
	}
}

// The whole demo: the consumers follow the load up and down, by what the metrics API says; the commands to copy work; nothing is
// left behind.
func TestScalesUpAndDown(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var text strings.Builder
	var rows []view.Row
	down := false
	display := fakeDisplay{
		PrintFunc: func(part string) error { text.WriteString(part); return nil },
		ShowFunc: func(row view.Row) error {
			t.Logf("%+v", row)
			if len(rows) == 0 {
				checkCommands(t, text.String())
			}
			rows = append(rows, row)
			up := slices.ContainsFunc(rows, func(r view.Row) bool { return r.After >= 3 })
			if down = up && row.After == 1; down {
				cancel() // as Ctrl-C does
			}
			return nil
		},
	}
	if err := run(ctx, quick(), display); err != nil {
		t.Fatal(err)
	}
	if !down {
		t.Fatal("it did not scale up and down again")
	}
	for _, row := range rows {
		if row.Err != nil || row.Pods != row.Before {
			t.Errorf("not all pods have a value: %+v", row)
		}
	}
	if !strings.Contains(text.String(), "another user's certificate gets 403, a certificate of another authority gets 401, no certificate gets 403") {
		t.Error("the access checks are not reported")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// checkCommands does what the curl commands of the text do.
func checkCommands(t *testing.T, text string) {
	t.Helper()
	plain := regexp.MustCompile(`(?m)^curl -s '(http://[^']*)' \| grep \^kafka_consumergroup_lag$`).FindStringSubmatch(text)
	secure := regexp.MustCompile(`(?m)^curl -s --cacert '([^']*)' --cert '([^']*)' --key '([^']*)' '([^']*)'$`).FindStringSubmatch(text)
	if plain == nil || secure == nil {
		t.Fatalf("no commands in\n%s", text)
	}
	if got, err := status(t.Context(), &http.Client{Transport: &http.Transport{}}, plain[1]); err != nil || got != http.StatusOK {
		t.Errorf("%s: %d, %v", plain[1], got, err)
	}
	pair, err := tls.LoadX509KeyPair(secure[2], secure[3])
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(secure[1])
	if err != nil {
		t.Fatal(err)
	}
	a, err := newAccess(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if !a.roots.AppendCertsFromPEM(ca) {
		t.Fatal("no authority in " + secure[1])
	}
	if got, err := status(t.Context(), a.client(&pair), secure[4]); err != nil || got != http.StatusOK {
		t.Errorf("%s: %d, %v", secure[4], got, err)
	}
}

func TestFailureOfTheAdapterIsTold(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	s := quick()
	s.pollInterval = time.Millisecond // less than it takes
	err := run(t.Context(), s, fakeDisplay{})
	if err == nil || !strings.Contains(err.Error(), "exit code 2") || !strings.Contains(err.Error(), "--poll-interval") {
		t.Errorf("got %v", err)
	}
}

func TestToldToEndWhileStarting(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, quick(), fakeDisplay{}); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestBrokenTerminalEndsTheDemo(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	gone := errors.New("gone")
	display := fakeDisplay{PrintFunc: func(string) error { return gone }}
	if err := run(t.Context(), quick(), display); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestErrorOfTheAPIHoldsTheReplicas(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the lag is unknown", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	metrics, err := newMetricsClient(server.URL, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	load, err := traffic.Start(traffic.Config{
		Topic: topic, Partitions: 1, Group: group, Rate: traffic.Wave, ConsumerRate: 1, Logger: slog.New(slog.DiscardHandler),
	}, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer load.Close()
	l := newLoop(load, metrics, quick().autoscaler, fakeDisplay{})
	row, err := l.sync(time.Now())
	if err != nil || row.Err == nil || row.After != 3 || len(load.Consumers()) != 3 || l.errors != 1 {
		t.Errorf("got %+v, %v; %d consumers", row, err, len(load.Consumers()))
	}
}

func TestStart(t *testing.T) {
	tests := []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--help"}, 0, "--for"},
		{[]string{"--for=soon"}, 2, "soon"},
		{[]string{"--for=-1s"}, 2, "negative"},
		{[]string{"60s"}, 2, `"60s" is not a flag`},
	}
	for _, tt := range tests {
		stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
		if err != nil {
			t.Fatal(err)
		}
		code := start(tt.args, os.Stdout, stderr)
		said, err := os.ReadFile(stderr.Name())
		if err != nil || stderr.Close() != nil || code != tt.code || !strings.Contains(string(said), tt.says) {
			t.Errorf("%v: %d, %s, %v", tt.args, code, said, err)
		}
	}
}
