package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
)

// tailLength is how many messages are kept, to be shown if the part fails.
const tailLength = 20

// notes takes what the parts of the demo have to say.
type notes interface {
	Note(level slog.Level, text string)
}

// logReader takes the log of a part, written as JSON. In the adapter's it finds the address of /metrics, as the port is chosen by
// the system.
type logReader struct {
	part    string
	metrics chan string // the URL of /metrics, once

	mu    sync.Mutex
	notes notes // nil until follow
	tail  []string
}

func newLogReader(part string) *logReader {
	return &logReader{part: part, metrics: make(chan string, 1)}
}

// follow passes what is logged from now on to notes as well.
func (l *logReader) follow(notes notes) *logReader {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notes = notes
	return l
}

// Write implements io.Writer; slog writes one record at a time.
func (l *logReader) Write(line []byte) (int, error) {
	level, text := slog.LevelInfo, strings.TrimSpace(string(line))
	var record map[string]any
	if json.Unmarshal(line, &record) == nil {
		_ = level.UnmarshalText(fmt.Append(nil, record[slog.LevelKey])) // info if it has none
		text = message(record)
		if url, ok := record["metrics"].(string); ok {
			select {
			case l.metrics <- url:
			default:
			}
		}
	}
	l.mu.Lock()
	if l.tail = append(l.tail, fmt.Sprintf("%s %s", level, text)); len(l.tail) > tailLength {
		l.tail = l.tail[1:]
	}
	notes := l.notes
	l.mu.Unlock()
	if notes != nil {
		notes.Note(level, l.part+": "+text)
	}
	return len(line), nil
}

// message is the record as one line of text.
func message(record map[string]any) string {
	text := fmt.Sprint(record[slog.MessageKey])
	for _, key := range slices.Sorted(maps.Keys(record)) {
		if key != slog.TimeKey && key != slog.LevelKey && key != slog.MessageKey {
			text += fmt.Sprintf(" %s=%v", key, record[key])
		}
	}
	return text
}

// end returns the latest messages.
func (l *logReader) end() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.tail, "\n")
}
