package app

import (
	"context"
	"io"
	"log/slog"
	"strings"
)

const jsonFormat = "json" // of --log-format

// newLogger returns a logger of one line for each message. docs/logs.md lists the names of the attributes: the same name always has the
// same type of value, or Elasticsearch would refuse the line.
func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if format == jsonFormat {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// ServerLog takes what an http.Server has to say. Connections that strangers break are of no interest, a handler's panic is.
type ServerLog struct{ slog.Handler }

// Enabled says yes until the message is known.
func (s ServerLog) Enabled(context.Context, slog.Level) bool { return true }

// Handle logs the message as why, below what happened.
func (s ServerLog) Handle(ctx context.Context, said slog.Record) error {
	level, message := slog.LevelDebug, "web server"
	if strings.HasPrefix(said.Message, "http: panic serving") || strings.HasPrefix(said.Message, "http2: panic serving") {
		level, message = slog.LevelError, "a request failed by a defect of ours"
	}
	if !s.Handler.Enabled(ctx, level) {
		return nil
	}
	record := slog.NewRecord(said.Time, level, message, said.PC)
	record.AddAttrs(slog.String("err", strings.TrimSpace(said.Message)))
	return s.Handler.Handle(ctx, record)
}

// FromServer says whether a message is an http.Server's.
func FromServer(message string) bool {
	for _, beginning := range []string{"http: ", "http2: ", "timeout waiting for ", "ignoring invalid trailer "} { // that is all of them
		if strings.HasPrefix(message, beginning) {
			return true
		}
	}
	return false
}
