package view

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
)

// Lines shows one line per row.
type Lines struct {
	mu          sync.Mutex
	out, errout io.Writer
	headed      bool
}

// NewLines returns a view that writes rows to out, and notes from warnings up to errout.
func NewLines(out, errout io.Writer) *Lines { return &Lines{out: out, errout: errout} }

// Print writes text that stays.
func (l *Lines) Print(text string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := io.WriteString(l.out, text)
	return err
}

// Show adds a row.
func (l *Lines) Show(row Row) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := row.line("", "")
	if row.Err != nil {
		text += "\n       " + row.Err.Error()
	}
	if !l.headed {
		text = heading(0) + "\n" + text
		l.headed = true
	}
	_, err := fmt.Fprintln(l.out, text)
	return err
}

// Note tells of something that happened, if it is a warning.
func (l *Lines) Note(level slog.Level, text string) {
	if level < slog.LevelWarn {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.errout, noteLine(level, text))
}
