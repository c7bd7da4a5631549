package app

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"
)

// logStderr has what is written to os.Stderr from now on logged, each line by itself, until the function that it returns is called: some libraries write there
// past every logger, as the API server's does with what its http.Server says. A crash is seen as ever: Go's runtime writes to the descriptor. It is to
// be called before anything else runs, as os.Stderr is one per process.
func logStderr(logger *slog.Logger) (end func() error, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	before := os.Stderr
	os.Stderr = write
	var logging sync.WaitGroup
	logging.Go(func() {
		lines := bufio.NewReaderSize(read, maxStderrLine)
		for line, _, err := lines.ReadLine(); err == nil; line, _, err = lines.ReadLine() {
			logLine(logger, string(line))
		}
	})
	return func() error {
		os.Stderr = before
		err := write.Close()
		logging.Wait()
		return errors.Join(err, read.Close())
	}, nil
}

// maxStderrLine is what a line of the log holds of a line, in bytes; the rest goes into the next one.
const maxStderrLine = 64 << 10

func logLine(logger *slog.Logger, line string) {
	if !FromServer(line) {
		logger.Warn("written to standard error by a library", "err", line)
		return
	}
	// What a logger cannot write is lost: there is nowhere else to say so.
	_ = ServerLog{logger.Handler()}.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelDebug, line, 0))
}
