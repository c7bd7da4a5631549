// Package record keeps a history of what was true of a cluster's groups and
// offsets, as Kafka's own admin client saw it, and tells which lags were possible
// at a time. It shares no code with the product.
package record

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// source is the program that writes the record.
//
//go:embed Recorder.java
var source []byte

// interval is the time between two readings; maxBytes are a few hours of 200 groups.
const (
	interval = 500 * time.Millisecond
	maxBytes = 1 << 30
)

// Config says whom to ask. All of it is needed.
type Config struct {
	Libs      string // folder of Kafka's jars
	Dir       string // the record, logs
	Bootstrap string
}

// Recorder is a running recorder.
type Recorder struct {
	process *proc.Process
	stdin   *os.File
	file    string
}

// Start starts recording.
func Start(cfg Config) (*Recorder, error) {
	program, properties := filepath.Join(cfg.Dir, "Recorder.java"), filepath.Join(cfg.Dir, "recorder.properties")
	// Requests fail soon, so that those that lead to other brokers are repeated with other brokers.
	settings := "client.id=e2e-recorder\nrequest.timeout.ms=1500\nreconnect.backoff.max.ms=500\nmetadata.max.age.ms=5000\nbootstrap.servers=" + cfg.Bootstrap + "\n"
	if err := errors.Join(
		os.MkdirAll(cfg.Dir, 0o755), os.WriteFile(program, source, 0o644), os.WriteFile(properties, []byte(settings), 0o600),
	); err != nil {
		return nil, fmt.Errorf("starting the recorder: %w", err)
	}
	childIn, stdin, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting the recorder: %w", err)
	}
	defer childIn.Close()
	r := &Recorder{stdin: stdin, file: filepath.Join(cfg.Dir, "record.txt")}
	r.process, err = proc.Start(proc.Spec{
		Name: "recorder", LogDir: cfg.Dir, Path: "java", Stdin: childIn,
		Args: []string{
			"-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(cfg.Libs, "*"),
			program, properties, r.file, fmt.Sprint(maxBytes), fmt.Sprint(interval.Milliseconds()),
		},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the recorder: %w", err), stdin.Close())
	}
	return r, nil
}

// Await waits until the record has something. It is written in blocks: this
// says that the recorder works, not that it has reached the present.
func (r *Recorder) Await(ctx context.Context) error {
	return r.process.Ready(ctx, func(context.Context) error {
		info, err := os.Stat(r.file)
		if err == nil && info.Size() == 0 {
			err = errors.New("the record is empty")
		}
		return err
	})
}

// Stop ends recording and reads what was recorded.
func (r *Recorder) Stop(ctx context.Context) (*Record, error) {
	if err := r.stdin.Close(); err != nil {
		return nil, fmt.Errorf("stopping the recorder: %w", err)
	}
	if code, err := r.process.ExitCode(ctx); err != nil || code != 0 {
		return nil, errors.Join(fmt.Errorf("the recorder ended with code %d\n%s", code, proc.Tail(r.process.Log(), 20)), err, r.process.Kill())
	}
	f, err := os.Open(r.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(f)
}

// Kill ends the recorder without a record.
func (r *Recorder) Kill() error {
	err := r.stdin.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	return errors.Join(err, r.process.Kill())
}

// Partition names a partition in the record's lines.
func entry(topic string, partition int32) string { return fmt.Sprintf("%s/%d", topic, partition) }

// topicOf is the reverse of entry.
func topicOf(entry string) (topic, partition string) {
	i := strings.LastIndexByte(entry, '/')
	return entry[:max(i, 0)], entry[i+1:]
}
