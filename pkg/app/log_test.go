package app

import (
	"encoding/json"
	"io"
	"log" //nolint:depguard // what libraries write by it is what is tested
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lines parses a log of which each line has to be JSON with a time, a level and a message.
func lines(t *testing.T, text string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(text) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("a line is no JSON: %s", line)
		}
		at, _ := fields["time"].(string)
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil || fields["level"] == nil || fields["msg"] == nil {
			t.Errorf("no time, level or msg: %s", line)
		}
		all = append(all, fields)
	}
	return all
}

func TestEveryLineIsJSON(t *testing.T) {
	p := start(t, "--brokers=127.0.0.1:1", "--log-format=json", "--log-level=debug")
	p.await("a failed poll", func() bool { return strings.Contains(p.log.String(), "cannot be read") })
	log.Print("a library\nwrites two lines")
	p.await("what the library wrote", func() bool { return strings.Contains(p.log.String(), "a library") })
	p.stop()
	if code := <-p.code; code != exitOK {
		t.Errorf("exit code %d", code)
	}
	found := false
	for _, line := range lines(t, p.log.String()) {
		if strings.HasPrefix(line["msg"].(string), "cannot be read") {
			found = true
			if line["cluster"] != "default" || line["err"] == nil || line["class"] == nil {
				t.Errorf("%v has no cluster, class or err", line)
			}
		}
	}
	if !found {
		t.Errorf("no failure in\n%s", p.log)
	}
}

func TestMistakesAsJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("log-format: json\npoll-interval: 1\nnonsense: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := &logBuffer{}
	if code := (Program{Name: "lag-exporter"}).Main(t.Context(), []string{"--config=" + file}, io.Discard, out); code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	all := lines(t, out.String())
	if len(all) != 1 || !strings.Contains(all[0]["err"].(string), "nonsense") || !strings.Contains(all[0]["err"].(string), "poll-interval") {
		t.Errorf("%v", all)
	}
}

func TestPanicOfAHandlerIsLogged(t *testing.T) {
	out := &logBuffer{}
	logger := newLogger(out, jsonFormat, slog.LevelInfo)
	server, err := newWebServer("--web.listen-address", "127.0.0.1:0", "", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh") }), logger)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.run(t.Context()) }()
	if _, err := (scraper{}).get(t, "http://"+server.listener.Addr().String()); err == nil {
		t.Error("it is answered")
	}
	if all := lines(t, out.String()); len(all) != 1 || all[0]["level"] != slog.LevelError.String() || !strings.Contains(all[0]["err"].(string), "oh") {
		t.Errorf("logged %s", out)
	}
}
