package view

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	lagBarWidth = 5
	maxRows     = 20
	minRows     = 3
	frameLines  = 4 // what a table has besides its rows: heading, an empty line, the note, the cursor's line
	// The controls used, which every terminal of today knows: cursor up, carriage return, and erase to the end of the screen.
	cursorUp  = "\x1b[%dA"
	eraseDown = "\r\x1b[J"
)

// Terminal shows the latest rows as a table that is redrawn in place, with the latest note below it.
type Terminal struct {
	mu    sync.Mutex
	out   io.Writer
	size  func() (width, height int)
	block string // what bars are made of

	rows  []Row
	note  string
	drawn int // lines of the table above the cursor
}

// NewTerminal returns a view for a terminal. size tells how big it is now, and block what to draw bars with.
func NewTerminal(out io.Writer, size func() (width, height int), block string) *Terminal {
	return &Terminal{out: out, size: size, block: block}
}

// Print writes text that stays, below the table as it is; a table that follows begins below the text.
func (t *Terminal) Print(text string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drawn = 0
	_, err := io.WriteString(t.out, text)
	return err
}

// Show adds a row.
func (t *Terminal) Show(row Row) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, row)
	if len(t.rows) > maxRows {
		t.rows = t.rows[1:]
	}
	if row.Err != nil {
		t.note = "metrics API: " + row.Err.Error()
	}
	return t.draw()
}

// Note shows what happened below the table, in the place of the note before.
func (t *Terminal) Note(level slog.Level, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.note = noteLine(level, text)
	if t.drawn > 0 {
		_ = t.draw() // a terminal that has gone is noticed by Show
	}
}

func (t *Terminal) draw() error {
	width, height := t.size()
	rows := t.rows[max(0, len(t.rows)-max(minRows, height-frameLines)):]
	var most int64 = 1
	for _, row := range rows {
		most = max(most, row.Lag)
	}
	lines := []string{heading(1 + lagBarWidth)}
	for _, row := range rows {
		lag := fmt.Sprintf(" %-*s", lagBarWidth, t.bar(int((row.Lag*lagBarWidth+most-1)/most)))
		lines = append(lines, row.line(lag, " "+t.bar(row.After)))
	}
	lines = append(lines, "", t.note)

	var b strings.Builder
	if t.drawn > 0 {
		fmt.Fprintf(&b, cursorUp, t.drawn)
	}
	b.WriteString(eraseDown)
	for _, line := range lines {
		b.WriteString(cut(line, width-1)) // a line that wraps would count as two
		b.WriteByte('\n')
	}
	t.drawn = len(lines)
	_, err := io.WriteString(t.out, b.String())
	return err
}

func (t *Terminal) bar(n int) string { return strings.Repeat(t.block, max(0, n)) }

// cut makes a text of one line that is at most so wide. Anything that could move the cursor is left out.
func cut(text string, width int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if utf8.RuneCountInString(text) > width {
		return string([]rune(text)[:max(0, width)])
	}
	return text
}
