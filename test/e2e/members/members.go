// Package members runs what only Kafka's own Java clients do: members of
// KIP-848, share and streams groups, and a transaction left open.
package members

import (
	"bufio"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

//go:embed *.java
var sources embed.FS

// Config says whose clients to run, and against what. All of it is needed.
type Config struct {
	Libs      string // folder of Kafka's jars
	Dir       string // logs, state
	Bootstrap string
}

// Kinds of groups.
const (
	Consumer = "consumer" // KIP-848
	Share    = "share"    // KIP-932, reading from the log's start on
	Streams  = "streams"  // KIP-1071, with a repartition topic "<group>-again-repartition"
)

// Members is a Java process with any number of members of groups.
type Members struct{ *program }

// Start starts the process, without a member.
func Start(cfg Config) (*Members, error) {
	p, err := launch(cfg, "Members", cfg.Bootstrap, filepath.Join(cfg.Dir, "state"))
	return &Members{p}, err
}

// Join adds a member to a group of a kind, and returns once it has read that
// many records of the topic and has committed or acknowledged them. It stays in
// the group and reads no further. What a streams group has read before it has
// settled may still be about to be committed.
func (m *Members) Join(ctx context.Context, kind, group, topic string, records int) error {
	if _, err := fmt.Fprintln(m.stdin, kind, group, topic, records); err != nil {
		return fmt.Errorf("joining %s group %s: %w\n%s", kind, group, err, proc.Tail(m.process.Log(), 20))
	}
	if err := m.ok(ctx); err != nil {
		return fmt.Errorf("joining %s group %s: %w", kind, group, err)
	}
	return nil
}

// Leave lets all members of a group that Join has made leave it in good order, and
// returns when they have.
func (m *Members) Leave(ctx context.Context, group string) error {
	if _, err := fmt.Fprintln(m.stdin, "leave", group); err != nil {
		return fmt.Errorf("leaving group %s: %w\n%s", group, err, proc.Tail(m.process.Log(), 20))
	}
	if err := m.ok(ctx); err != nil {
		return fmt.Errorf("leaving group %s: %w", group, err)
	}
	return nil
}

// OpenTransaction writes records in a transaction and then kills the producer,
// so that the transaction stays open until timeout has passed.
func OpenTransaction(ctx context.Context, cfg Config, topic string, records int, timeout time.Duration) error {
	p, err := launch(cfg, "OpenTransaction", cfg.Bootstrap, topic, strconv.Itoa(records), strconv.FormatInt(timeout.Milliseconds(), 10))
	if err != nil {
		return err
	}
	if err := errors.Join(p.ok(ctx), p.Close()); err != nil {
		return fmt.Errorf("leaving a transaction open on %s: %w", topic, err)
	}
	return nil
}

// PendingCommits sends a group's offsets on the first partitions of a topic to a
// transaction and then kills the producer, so that these commits are pending until
// timeout has passed.
func PendingCommits(ctx context.Context, cfg Config, group, topic string, partitions int32, offset int64, timeout time.Duration) error {
	p, err := launch(cfg, "PendingCommits", cfg.Bootstrap, group, topic, strconv.Itoa(int(partitions)), strconv.FormatInt(offset, 10),
		strconv.FormatInt(timeout.Milliseconds(), 10))
	if err != nil {
		return err
	}
	if err := errors.Join(p.ok(ctx), p.Close()); err != nil {
		return fmt.Errorf("leaving commits of %s pending: %w", group, err)
	}
	return nil
}

// program is a running Java source file that answers by lines.
type program struct {
	process *proc.Process
	stdin   *os.File
	answers <-chan string
}

func launch(cfg Config, name string, args ...string) (*program, error) {
	source, err := sources.ReadFile(name + ".java")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(cfg.Dir, name+".java")
	if err := errors.Join(os.MkdirAll(cfg.Dir, 0o755), os.WriteFile(file, source, 0o644)); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	childIn, stdin, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	defer childIn.Close()
	stdout, childOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", name, err), stdin.Close())
	}
	defer childOut.Close()
	p, err := proc.Start(proc.Spec{
		Name: name, LogDir: cfg.Dir, Path: "java", Stdin: childIn, Stdout: childOut,
		Args: append([]string{
			"-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(cfg.Libs, "*"), file,
		}, args...),
	})
	if err != nil {
		return nil, errors.Join(err, stdin.Close(), stdout.Close())
	}
	return &program{process: p, stdin: stdin, answers: lines(stdout)}, nil
}

// lines hands on what the process prints, until it ends.
func lines(from *os.File) <-chan string {
	answers := make(chan string)
	go func() {
		defer close(answers)
		defer from.Close()
		for in := bufio.NewScanner(from); in.Scan(); {
			answers <- in.Text()
		}
	}()
	return answers
}

// ok waits for the answer to a command.
func (p *program) ok(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("%s does not answer: %w\n%s", p.process.Name(), context.Cause(ctx), proc.Tail(p.process.Log(), 20))
	case answer, open := <-p.answers:
		switch {
		case !open:
			return fmt.Errorf("%s has ended\n%s", p.process.Name(), proc.Tail(p.process.Log(), 20))
		case answer != "ok":
			return errors.New(strings.TrimPrefix(answer, "error: "))
		}
		return nil
	}
}

// Close kills the process: its members are gone without having left.
func (p *program) Close() error {
	err := errors.Join(p.process.Kill(), p.stdin.Close())
	for range p.answers { // lets go of the reader
	}
	return err
}
