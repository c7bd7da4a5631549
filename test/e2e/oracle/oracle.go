// Package oracle asks Kafka's own Java admin client what is true, for tests to
// hold the product's answers against. It shares no code with the product.
package oracle

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// source is the program behind this package.
//
//go:embed Oracle.java
var source []byte

// Config says whom to ask. Libs, Dir and Bootstrap are needed.
type Config struct {
	Libs      string // folder of Kafka's jars
	Dir       string // logs
	Java      string // default: java of the PATH
	Bootstrap string
	// Properties are added to the admin client's, such as for authentication.
	Properties map[string]string
}

// Oracle is a running admin client. Its methods may be called at any time
// from any goroutine; they are answered one after the other.
type Oracle struct {
	process *proc.Process
	turn    chan struct{} // holds one token: whoever has it may ask
	stdin   *os.File
	answers <-chan []byte
	id      int
}

// Start starts the admin client and waits until it answers.
func Start(ctx context.Context, cfg Config) (*Oracle, error) {
	if cfg.Java == "" {
		cfg.Java = "java"
	}
	program, properties := filepath.Join(cfg.Dir, "Oracle.java"), filepath.Join(cfg.Dir, "oracle.properties")
	if err := errors.Join(
		os.MkdirAll(cfg.Dir, 0o755),
		os.WriteFile(program, source, 0o644),
		os.WriteFile(properties, []byte(cfg.properties()), 0o600),
	); err != nil {
		return nil, fmt.Errorf("starting the oracle: %w", err)
	}
	o, err := launch(cfg, program, properties)
	if err != nil {
		return nil, fmt.Errorf("starting the oracle: %w", err)
	}
	if _, err := o.Groups(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the oracle: %w", err), o.Close())
	}
	return o, nil
}

// launch runs the program between two pipes. The child's ends are closed here,
// so that its end shows as the end of its output.
func launch(cfg Config, program, properties string) (*Oracle, error) {
	childIn, stdin, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer childIn.Close()
	stdout, childOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, stdin.Close())
	}
	defer childOut.Close()
	p, err := proc.Start(proc.Spec{
		Name: "oracle", LogDir: cfg.Dir, Path: cfg.Java, Stdin: childIn, Stdout: childOut,
		Args: []string{
			"-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
			"-cp", filepath.Join(cfg.Libs, "*"), program, properties,
		},
	})
	if err != nil {
		return nil, errors.Join(err, stdin.Close(), stdout.Close())
	}
	o := &Oracle{process: p, turn: make(chan struct{}, 1), stdin: stdin, answers: lines(stdout)}
	o.turn <- struct{}{}
	return o, nil
}

func (cfg Config) properties() string {
	p := map[string]string{
		"bootstrap.servers": cfg.Bootstrap, "client.id": "e2e-oracle",
		"request.timeout.ms": "5000", "default.api.timeout.ms": "20000", // also while brokers fail, an answer comes soon
	}
	maps.Copy(p, cfg.Properties)
	var text strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&text, "%s=%s\n", k, p[k])
	}
	return text.String()
}

// lines hands on what the oracle prints, until it ends.
func lines(from *os.File) <-chan []byte {
	answers := make(chan []byte)
	go func() {
		defer close(answers)
		defer from.Close()
		in := bufio.NewReader(from) // not a Scanner: an answer may be megabytes
		for {
			line, err := in.ReadBytes('\n')
			if err != nil {
				return // the process has ended, which ask reports
			}
			answers <- line
		}
	}()
	return answers
}

// Close ends the admin client.
func (o *Oracle) Close() error {
	err := errors.Join(o.stdin.Close(), o.process.Kill())
	for range o.answers { // lets go of the reader
	}
	return err
}

// Offsets reads all commits and then all log offsets.
func (o *Oracle) Offsets(ctx context.Context) (*Offsets, error) {
	var out Offsets
	out.Before = time.Now()
	if err := o.ask(ctx, "offsets", &out); err != nil {
		return nil, err
	}
	out.After = time.Now()
	return &out, nil
}

// Groups lists and describes all groups.
func (o *Oracle) Groups(ctx context.Context) ([]Group, error) {
	var out struct {
		Groups []Group `json:"groups"`
	}
	if err := o.ask(ctx, "groups", &out); err != nil {
		return nil, err
	}
	return out.Groups, nil
}

// ask sends one question and decodes its answer. Answers to questions that
// were given up before are skipped.
func (o *Oracle) ask(ctx context.Context, op string, into any) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("oracle: %s: waiting for its turn: %w", op, context.Cause(ctx))
	case <-o.turn:
	}
	defer func() { o.turn <- struct{}{} }()
	o.id++
	if _, err := fmt.Fprintf(o.stdin, `{"id":%d,"op":%q}`+"\n", o.id, op); err != nil {
		return fmt.Errorf("oracle: %s: %w\n%s", op, err, proc.Tail(o.process.Log(), 20))
	}
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("oracle: %s: %w", op, context.Cause(ctx))
		case line, ok := <-o.answers:
			if !ok {
				return fmt.Errorf("oracle: %s: it has ended\n%s", op, proc.Tail(o.process.Log(), 20))
			}
			var head struct {
				ID    int    `json:"id"`
				Error string `json:"error"`
			}
			if err := json.Unmarshal(line, &head); err != nil {
				return fmt.Errorf("oracle: %s: %w", op, err)
			}
			if head.ID != o.id {
				continue
			}
			if head.Error != "" {
				return fmt.Errorf("oracle: %s: %s", op, head.Error)
			}
			return json.Unmarshal(line, into)
		}
	}
}

// Process is the admin client's.
func (o *Oracle) Process() *proc.Process { return o.process }
