package app

import (
	"bytes"
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

// serverLog takes what an http.Server has to say. Connections that strangers break are of no interest, a handler's panic is.
type serverLog struct{ logger *slog.Logger }

func (s serverLog) Write(line []byte) (int, error) {
	message := string(bytes.TrimSpace(line))
	if strings.HasPrefix(message, "http: panic serving") {
		s.logger.Error("a request failed by a defect of ours", "err", message)
	} else {
		s.logger.Debug("web server", "err", message)
	}
	return len(line), nil
}
