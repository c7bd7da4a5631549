package members

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

//go:embed kafkajs/consumer.js
var kafkaJSConsumer []byte

// Pod is the pod in whose place a consumer runs, and the group that it joins.
type Pod struct {
	Name, IP     string // the client.id, and where its connections come from
	Group, Topic string
}

// PodConsumer is a process with a single consumer, as in a pod: it is a member of
// its group and holds, until it is told to read.
type PodConsumer struct {
	process *proc.Process
	stdin   io.WriteCloser
}

// StartKafkaJS starts a consumer in KafkaJS, which modules holds (node_modules).
func StartKafkaJS(cfg Config, modules string, pod Pod) (*PodConsumer, error) {
	program := filepath.Join(cfg.Dir, "consumer.js")
	if err := errors.Join(os.MkdirAll(cfg.Dir, 0o755), os.WriteFile(program, kafkaJSConsumer, 0o644)); err != nil {
		return nil, fmt.Errorf("starting a KafkaJS consumer: %w", err)
	}
	return startPod(proc.Spec{
		Name: pod.Name, LogDir: cfg.Dir, Path: "node", Env: []string{"NODE_PATH=" + modules},
		Args: []string{program, cfg.Bootstrap, pod.Group, pod.Topic, pod.Name, pod.IP},
	})
}

// Java's own way of choosing where connections come from is inside the JDK.
const socketsExport = "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED"

// JavaConsumers starts KIP-848 consumers.
type JavaConsumers struct {
	cfg     Config
	classes string
}

// CompileJava compiles the consumer, once for all its processes: the JDK finds the
// class that chooses where connections come from only among compiled ones.
func CompileJava(ctx context.Context, cfg Config) (*JavaConsumers, error) {
	const file = "PodConsumer.java"
	source, err := sources.ReadFile(file)
	if err != nil {
		return nil, err
	}
	program, classes := filepath.Join(cfg.Dir, file), filepath.Join(cfg.Dir, "classes")
	if err := errors.Join(os.MkdirAll(cfg.Dir, 0o755), os.WriteFile(program, source, 0o644)); err != nil {
		return nil, fmt.Errorf("compiling %s: %w", file, err)
	}
	cmd := exec.CommandContext(ctx, "javac", socketsExport, "-cp", filepath.Join(cfg.Libs, "*"), "-d", classes, program)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling %s: %w\n%s", file, err, out)
	}
	return &JavaConsumers{cfg, classes}, nil
}

// Start starts a consumer.
func (j *JavaConsumers) Start(pod Pod) (*PodConsumer, error) {
	return startPod(proc.Spec{
		Name: pod.Name, LogDir: j.cfg.Dir, Path: "java",
		Args: []string{
			"-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", socketsExport,
			"-Djava.nio.channels.spi.SelectorProvider=PodConsumer$FromPod", "-Dpod.ip=" + pod.IP,
			"-cp", j.classes + ":" + filepath.Join(j.cfg.Libs, "*"), "PodConsumer", j.cfg.Bootstrap, pod.Group, pod.Topic, pod.Name,
		},
	})
}

func startPod(spec proc.Spec) (*PodConsumer, error) {
	childIn, stdin, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}
	defer childIn.Close()
	spec.Stdin = childIn
	p, err := proc.Start(spec)
	if err != nil {
		return nil, errors.Join(err, stdin.Close())
	}
	return &PodConsumer{p, stdin}, nil
}

// Drain lets the consumer read and commit all that there is, from now on.
func (c *PodConsumer) Drain() error {
	if _, err := fmt.Fprintln(c.stdin, "drain"); err != nil {
		return fmt.Errorf("draining %s: %w\n%s", c.process.Name(), err, proc.Tail(c.process.Log(), 20))
	}
	return nil
}

// Close lets the consumer leave its group, and returns when its process has ended.
func (c *PodConsumer) Close() error {
	const grace = 15 * time.Second
	if err := c.stdin.Close(); err != nil {
		return fmt.Errorf("ending %s: %w", c.process.Name(), err)
	}
	select {
	case <-c.process.Exited():
		return nil
	case <-time.After(grace):
		return errors.Join(fmt.Errorf("%s did not end within %v\n%s", c.process.Name(), grace, proc.Tail(c.process.Log(), 20)), c.process.Kill())
	}
}
