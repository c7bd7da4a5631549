package view

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func rows() []Row {
	return []Row{
		{Elapsed: 2 * time.Second, Produced: 84.4, Consumed: 30, Lag: 108, Sum: 104, Pods: 1, Before: 1, After: 3},
		{Elapsed: 64 * time.Second, Produced: 240, Consumed: 180, Lag: 216, Sum: 210, Pods: 12, Before: 12, After: 12},
		{Elapsed: 66 * time.Second, Lag: 0, Err: errors.New("503: group \"orders\" is unknown"), Before: 12, After: 12},
	}
}

func TestLines(t *testing.T) {
	var out, errout strings.Builder
	lines := NewLines(&out, &errout)
	if err := lines.Print("hello\n"); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows() {
		if err := lines.Show(row); err != nil {
			t.Fatal(err)
		}
	}
	lines.Note(slog.LevelInfo, "unimportant")
	lines.Note(slog.LevelWarn, "important")
	want := `hello
 time produced consumed    lag  metrics API says    replicas
 0:02     84/s     30/s    108  104 on 1 pod         1 -> 3
 1:04    240/s    180/s    216  210 over 12 pods    12
 1:06      0/s      0/s      0  error, so held      12
       503: group "orders" is unknown
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if errout.String() != "WARN important\n" {
		t.Errorf("notes: %q", errout.String())
	}
}

// screen is what a terminal shows of the controls that are used.
func screen(t *testing.T, written string) []string {
	t.Helper()
	lines := []string{""}
	for written != "" {
		var up int
		rest, isErase := strings.CutPrefix(written, eraseDown)
		switch {
		case isErase:
			lines[len(lines)-1] = ""
			written = rest
		case strings.HasPrefix(written, "\x1b["):
			if n, err := fmt.Sscanf(written, cursorUp, &up); n != 1 || err != nil || up >= len(lines) {
				t.Fatalf("at %q: up %d of %d lines: %v", written, up, len(lines), err)
			}
			lines = lines[:len(lines)-up] // it is always followed by eraseDown
			_, written, _ = strings.Cut(written, "A")
		case written[0] == '\n':
			lines, written = append(lines, ""), written[1:]
		default:
			lines[len(lines)-1] += written[:1]
			written = written[1:]
		}
	}
	return lines
}

func TestTerminalRedrawsInPlace(t *testing.T) {
	var out strings.Builder
	terminal := NewTerminal(&out, func() (int, int) { return 80, 24 }, "#")
	if err := terminal.Print("hello\n"); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows() {
		if err := terminal.Show(row); err != nil {
			t.Fatal(err)
		}
	}
	terminal.Note(slog.LevelInfo, "collected\x1b[2J\nagain")
	if err := terminal.Print("bye\n"); err != nil {
		t.Fatal(err)
	}
	want := `hello
 time produced consumed    lag        metrics API says    replicas
 0:02     84/s     30/s    108 ###    104 on 1 pod         1 -> 3  ###
 1:04    240/s    180/s    216 #####  210 over 12 pods    12       ############
 1:06      0/s      0/s      0        error, so held      12       ############

INFO collected [2J again
bye
`
	if got := strings.Join(screen(t, out.String()), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTerminalKeepsWithinItsSize(t *testing.T) {
	const width, height = 40, 12
	var out strings.Builder
	terminal := NewTerminal(&out, func() (int, int) { return width, height }, "█")
	for range 3 * maxRows {
		for _, row := range rows() {
			if err := terminal.Show(row); err != nil {
				t.Fatal(err)
			}
		}
	}
	shown := screen(t, out.String())
	if len(shown) > height {
		t.Errorf("%d lines", len(shown))
	}
	for _, line := range shown {
		if n := len([]rune(line)); n >= width {
			t.Errorf("%d wide: %q", n, line)
		}
	}
	if len(terminal.rows) > maxRows {
		t.Errorf("keeps %d rows", len(terminal.rows))
	}
}

func TestBrokenOutputIsAnError(t *testing.T) {
	if err := NewLines(broken{}, broken{}).Show(Row{}); err == nil {
		t.Error("lines: no error")
	}
	if err := NewTerminal(broken{}, func() (int, int) { return 80, 24 }, "#").Show(Row{}); err == nil {
		t.Error("terminal: no error")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }
